// Package inspect looks into checkpoints and blobs for what goes wrong in
// practice: values that are not finite, batch norms that were never trained, and
// running statistics that training stopped too early to settle ([BatchNorms]).
package inspect
