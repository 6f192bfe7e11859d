package api

import (
	"bytes"
	"errors"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
)

// defaultTop is how many predictions an answer holds where the query says
// nothing.
const defaultTop = 5

// query is the parsed query string of /classify and /embed.
type query struct {
	model         string
	top           int // 0: the default
	threshold     float32
	logits        bool
	width, height int // of raw pixels; 0 for a file
}

// parseQuery reads the parameters and refuses unknown values. Parameters it
// does not know are ignored.
func parseQuery(v url.Values) (q query, err error) {
	q.model = v.Get("model")
	if q.top, err = positive(v, "top"); err != nil {
		return q, err
	}
	if s := v.Get("threshold"); s != "" {
		t, err := strconv.ParseFloat(s, 32)
		if err != nil || math.IsNaN(t) || t < 0 || t > 1 {
			return q, Refuse(BadRequest, "threshold is %q, want a number from 0 to 1", clip(s))
		}
		q.threshold = float32(t)
	}
	if s := v.Get("logits"); s != "" {
		if q.logits, err = strconv.ParseBool(s); err != nil {
			return q, Refuse(BadRequest, "logits is %q, want true or false", clip(s))
		}
	}
	if q.width, err = positive(v, "width"); err != nil {
		return q, err
	}
	if q.height, err = positive(v, "height"); err != nil {
		return q, err
	}
	if (q.width == 0) != (q.height == 0) {
		return q, Refuse(BadRequest, "raw pixels need both width and height, only one is given")
	}
	return q, nil
}

// positive reads a whole number from 1; 0 says that the parameter is missing.
func positive(v url.Values, name string) (int, error) {
	s := v.Get(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return 0, Refuse(BadRequest, "%s is %q, want a whole number from 1", name, clip(s))
	}
	return n, nil
}

// clip bounds what of a request is repeated in a message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// readBody returns the picture's bytes and, from multipart bodies, the file's
// name.
func readBody(r *http.Request, limit int64) (data []byte, name string, err error) {
	if r.ContentLength > limit {
		return nil, "", tooLarge(limit)
	}
	body := &limited{r.Body, limit, limit}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" {
		data, name, err = readPart(multipart.NewReader(body, params["boundary"]))
		return data, name, asRefusal(err, "the multipart body is broken")
	}
	if whole, ok := r.Body.(interface{ Bytes() []byte }); ok && int64(len(whole.Bytes())) <= limit {
		return whole.Bytes(), "", nil // read already; no need to copy it
	}
	data, err = readAll(body, r.ContentLength)
	return data, "", asRefusal(err, "the body ended early")
}

// readPart returns the first part that is a file.
func readPart(m *multipart.Reader) ([]byte, string, error) {
	for {
		part, err := m.NextPart()
		if err == io.EOF {
			return nil, "", Refuse(BadRequest, "the multipart body holds no file: send the picture as a part with a file name")
		}
		if err != nil {
			return nil, "", err
		}
		if part.FileName() == "" {
			continue
		}
		data, err := readAll(part, 0)
		return data, part.FileName(), err
	}
}

// asRefusal keeps refusals, and makes one of what else may happen to a reader.
func asRefusal(err error, what string) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return Refuse(BadRequest, "%s: %v", what, err)
}

// readAll reads all; size, where it is known, saves growing.
func readAll(r io.Reader, size int64) ([]byte, error) {
	var b bytes.Buffer
	if size > 0 {
		b.Grow(int(size) + bytes.MinRead)
	}
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// limited is a reader that refuses to give more than limit bytes.
type limited struct {
	r           io.Reader
	limit, left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, tooLarge(l.limit)
	}
	return n, err
}

func tooLarge(limit int64) *Error {
	return Refuse(BodyTooLarge, "the body is larger than the %d bytes this server takes; scale the picture down first", limit)
}
