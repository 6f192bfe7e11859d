// Package recalibrate estimates the running statistics of batch norms anew, from
// images alone.
//
// While a network is trained, each batch norm normalises with the mean and
// variance of the batch at hand; at inference it uses running averages of them.
// Those lag behind: with momentum m (PyTorch's meaning) after n batches,
// (1-m)^n of their initial values is left, and the rest is an average over
// weights that were still moving. MobileNetV3's code has m = 0.01, so that a
// training of a few hundred steps ends with weights that are good and statistics
// that are not: the training loss falls, the validation loss rises.
//
// The remedy needs no labels and no gradients. Images are sent through the network
// layer by layer; each batch norm normalises them with their own statistics, as in
// training, and these become its running ones ([Run]). Where the images do not fit
// in memory at once they go in groups, over which the statistics are averaged
// cumulatively (torch.optim.swa_utils.update_bn does the same with batches;
// Izmailov et al. 2018, arXiv:1803.05407, section 3.2).
package recalibrate
