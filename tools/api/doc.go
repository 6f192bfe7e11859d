// Package api is image classification over HTTP: a plain [net/http.Handler]
// that the edge worker (wasm/edge) and the native server (tools/serve -api) share.
//
// # Routes
//
//	POST /classify   an image in, labels out
//	POST /embed      an image in, the pooled features out
//	GET  /models     the models that can be asked for
//	GET  /healthz    state and memory
//
// The image is the request's body, in one of these forms:
//
//	a file           JPEG, PNG, GIF (first frame) or WebP, recognised by its first bytes
//	multipart        multipart/form-data (an HTML form): the first part with a file name
//	raw pixels       ?width=W&height=H, and W*H*3 bytes of RGB or W*H*4 of RGBA, rows from the top
//
// # Query
//
//	model=NAME        which model; the server's default where it is left out
//	top=K             how many predictions, 1 to the number of classes; 5, or all where there are fewer
//	threshold=P       only predictions of at least probability P
//	logits=true       the raw logits too
//
// # Answers
//
// /classify answers what `classify -json` prints, and the time each part took:
//
//	{"file":"cat.jpg","model":"mobilenet_v2","predictions":[{"className":"tabby","probability":0.71}],
//	 "milliseconds":9.1,"timing":{"decode":4.9,"preprocess":1.0,"network":3.1}}
//
// "file" is there for multipart bodies, whose part names one. Times come from
// the clock the runtime offers; Cloudflare stops it while a request computes,
// so that there they are 0.
//
// Everything that is not an answer is a status code from 400 and
//
//	{"error":{"code":"damaged_image","message":"..."}}
//
// with one of the codes of [Error]. Sizes are checked before anything is
// decoded: the body's, the picture's pixels, and the bytes its decoder needs.
package api
