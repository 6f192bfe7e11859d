"""Compares ops.c with PyTorch's own operations: python3 -m unittest discover -s tools/train -p '*_test.py'"""
import copy
import unittest

import torch
import torchvision

import data
import ops


class Ops(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.manual_seed(0)
        plain = torchvision.models.mobilenet_v3_small(num_classes=10, dropout=0).train()
        cls.converted = copy.deepcopy(plain).to(memory_format=torch.channels_last)
        if not ops.convert(cls.converted):
            raise unittest.SkipTest("no C compiler")
        cls.plain = plain.double()

    def test_gradients(self):
        """Loss and gradients of a training step, against float64."""
        pictures, labels = torch.randn(8, 3, 64, 64), torch.arange(8)
        losses = []
        for network in (self.plain, self.converted):
            kind = next(network.parameters()).dtype
            loss = torch.nn.functional.cross_entropy(network(pictures.to(kind)), labels)
            loss.backward()
            losses.append(loss.item())
        self.assertAlmostEqual(losses[0], losses[1], delta=1e-4 * losses[0])
        # Biases before a batch norm have no gradient but noise: errors count against the largest gradient.
        pairs = [(n, p.grad, q.grad) for (n, p), q in zip(self.plain.named_parameters(), self.converted.parameters())]
        largest = max(p.abs().max().item() for _, p, _ in pairs)
        for name, p, q in pairs:
            self.assertLess((p - q).abs().max().item(), 1e-3 * largest, name)

    def test_statistics(self):
        """Running means and variances after a step, against float64."""
        pictures = torch.randn(8, 3, 64, 64)
        for network in (self.plain, self.converted):
            network(pictures.to(next(network.parameters()).dtype))
        for (name, p), q in zip(self.plain.named_buffers(), self.converted.buffers()):
            if p.is_floating_point():
                torch.testing.assert_close(q.double(), p, rtol=1e-4, atol=1e-5, msg=name)

    def test_augment(self):
        pixels = torch.randint(0, 256, (16, data.SIDE, data.SIDE, 3), dtype=torch.uint8)
        views = data.views(len(pixels), torch.Generator().manual_seed(1))
        images = pixels.permute(0, 3, 1, 2).contiguous().float().div_(255)
        for size in (64, 96, 160):
            want = data.normalise(data.augment(images, size, views))
            torch.testing.assert_close(ops.augment(pixels.numpy(), size, views), want, rtol=0, atol=2e-4)


if __name__ == "__main__":
    unittest.main()
