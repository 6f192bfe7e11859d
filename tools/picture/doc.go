// Package picture decodes photographs the way the frameworks that trained the
// networks see them: JPEG, PNG, the first frame of a GIF, and WebP, turned
// upright as their EXIF orientation says.
//
// Go's standard decoders leave chroma at the resolution it was stored in, and
// converting their result pixel by pixel gives other colours at every edge than
// libjpeg and libwebp give, which Pillow and the browsers decode with. This
// package upsamples and converts as those libraries do, so that a photo's pixels
// are theirs within rounding. The number of pixels is checked before anything is
// decoded.
//
// The package does no input or output: it can be linked into an edge worker.
package picture
