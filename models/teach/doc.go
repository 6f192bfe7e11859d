// Package teach trains a classifier of one's own on a network's embeddings: a
// page collects a few pictures per class, a models.Session turns each into an
// embedding, and [Train] makes a [Head] of them, one linear layer with a softmax,
// in well under a second. The network itself stays as it is (transfer learning
// with frozen features).
//
// # What is minimised
//
// For embeddings x of D features in K classes, N examples of which n_c are of
// class c, the head is the minimum over W [K][D] and b [K] of
//
//	1/K sum_c 1/n_c sum_(i in c) -log softmax(W z_i + b)_c  +  lambda/2 |W|^2
//
// where every class counts the same, however many examples it has, and z is the
// standardised embedding
//
//	z_j = (x_j - mean_j) / (s_j sqrt(D)),  s_j = max(std_j, 0.2 rms(std))
//
// with mean and standard deviation over the training examples, classes balanced.
// The function is convex; L-BFGS (gonum.org/v1/gonum/optimize) finds its minimum.
// Mean and scale are then folded into the layer, so that a head needs the raw
// embedding alone.
//
// # What was chosen, and why
//
// The figures are mean accuracies over random tasks, 5 or 10 pictures of each of 3 to 6
// classes out of 12 (birds, fruit, tools and such from Tux Paint's stamps, 273 pictures),
// embedded by a MobileNetV2 that was trained for something else and tested on the rest.
//
//   - The floor under s. Half of an embedding's values are 0, and a feature that
//     hardly moved in 30 pictures may move a thousand times as far in the next.
//     Without a floor accuracy is 69 %, with 0.1 to 0.3 of the mean 75 %.
//   - lambda = 0.02 / N. The sqrt(D) gives z a squared length of about 1, so that
//     lambda means the same for every network. The best lambda fell as 1/N, for
//     12 to 80 examples; ten times as much or as little costs about a point.
//     A fixed lambda also keeps the held-back accuracy honest: nothing
//     was chosen by it.
//   - Held-back examples. Five-fold cross-validation, as 10 pictures per class are
//     too few to set some aside: every example is classified once, by a head that
//     was trained without it. The folds are runs of consecutive examples of a class,
//     not random draws: pictures that follow each other, as from a held button,
//     are nearly the same, and one of them in training would give away the other.
//   - Temperature. The held-back logits also tell how sure the head may be: all
//     logits are multiplied by the factor that minimises the held-back loss (Guo et
//     al. 2017, arXiv:1706.04599), which changes no decision and so leaves the
//     accuracy as measured. No head is surer than its N held-back examples can
//     back: the targets are 1 - 1/(N+2), Laplace's rule of succession.
//
// On the tasks above, with 4 classes of 5, 10 and 20 pictures, the held-back accuracy was
// 66, 77 and 82 %; fresh pictures gave 69, 79 and 83 %, at mean probabilities of
// 61, 76 and 79 %.
//
// Training is deterministic: the same examples in the same order give the same
// head on the same platform.
//
// # What a head cannot do
//
// A softmax must choose. [Head.Threshold] marks probabilities that are lower than
// those of nearly all right answers, but pictures of something else get high ones
// too: in the tasks above they are told from those of the classes little better than by
// chance (an area under the ROC curve of 0.61). What a page expects to see
// besides its classes is best taught as a class of its own.
package teach
