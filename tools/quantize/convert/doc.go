// Package convert turns a training framework's checkpoint into a blob: it finds
// out which network the checkpoint is of and where each layer's parameters are
// ([MatchCheckpoint]), folds batch norms into the convolutions before them, lays
// the weights out as package models wants them, rounds them to float16, and
// writes the file with its metadata ([Convert]).
//
// # Families
//
// Frameworks and authors name the same layers differently. A family is such a
// naming with what comes with it: the layout of weights, the epsilon of batch
// norms, padding and preprocessing. Each is told from the names and shapes in the
// checkpoint:
//
//	torchvision   features.1.conv.0.0.weight, features.4.block.2.fc1.weight
//	timm          blocks.1.0.conv_dw.weight, se.conv_reduce, conv_head
//	keras         block_1_expand/kernel, conv_dw_1_bn/gamma (TensorFlow.js layers-models)
//	article       dwmodule.0.batch_norm1.weight, features.1.0.block.0.convbnact.0.weight: the
//	              classes of a walk-through of V1 to V3 in PyTorch that many copy
//	sequential    features.1.0.weight: V1 as a plain torch.nn.Sequential, BN epsilon 1e-3
//	by order      any other names: layers in stored order, held against the network's shapes
//
// A checkpoint that does not fit is reported as an [Error] that names the tensor.
package convert
