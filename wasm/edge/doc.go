// Package edge builds the edge worker.
package edge
