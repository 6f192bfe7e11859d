// Package models holds the networks: MobileNetV1, V2, V3-small and V3-large as
// their papers' block tables, the graph they unfold to, and what turns a graph
// into a program for a [glance/kernels.Machine].
package models
