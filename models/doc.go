// Package models holds the networks: MobileNetV1, V2, V3-small and V3-large as
// their papers' block tables, the layers they unfold to, and what turns layers
// into a program for a [glance/kernels.Machine].
//
// # From a blob to a label
//
//	s, err := models.LoadBytes(machine, blob, models.PlanOptions{Threads: machine.Threads()})
//	err = s.SetPixels(rgba, width, height)
//	err = s.Run()
//	logits := s.Logits(nil)
//	models.Softmax(logits, logits)
//	best := models.TopK(logits, 5)
//
// Where the blob arrives piece by piece, in a browser, the same is done in steps:
// [ConfigFromMetadata] reads the options from the header, [New] derives the
// network, [NewSession] checks the header against it and allocates, the data
// section is written to [Session.Staging], and [Session.Pack] makes of it what
// the kernels read. Nothing about a network's shape is ever read from a file.
//
// # From a network to a program
//
// A [Network] is a list of [Layer]s, each with its shapes and paddings. [NewPlan]
// lays it out in time and memory:
//
//   - Convolutions become ops, which can compute any range of output rows.
//   - Runs of ops become chains (cost.go decides which). A chain is executed strip
//     by strip: for the next rows of its last op, every earlier op computes just
//     the rows that are needed and not yet there, into a ring buffer of a few
//     rows. So the expanded activations of a bottleneck, six times its input, are
//     read again while they are still in a cache and are never stored whole.
//   - The rows of a chain's last op are shared out in parts, one for each thread or
//     more; rows that two parts need at their border are computed by both, and threads
//     wait for each other only between chains.
//   - A squeeze-and-excite takes the row sums that its depthwise convolution left,
//     computes the channel factors and scales what is smaller: the activations, or
//     the weights of the layer that reads them.
//   - Every tensor and ring gets its place in one arena, shared by those that are
//     not in use at the same time.
//
// Every plan of a network gives the same bits, for any number of threads and any
// choice of chains: no operator's result depends on how its rows were split, and
// sums over rows are added in one fixed order.
//
// # Preprocessing
//
// [Preprocess] says how a picture becomes the input: it belongs to the weights,
// and its results are those of the framework that trained them, Pillow and
// torchvision to the last bit. [Image] feeds a picture in strips.
package models
