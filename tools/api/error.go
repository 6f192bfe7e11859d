package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// A Code names what went wrong, for programs to act on.
type Code string

// The codes, with the status each is sent with.
const (
	BadRequest         Code = "bad_request"         // 400: a parameter or the multipart framing is wrong
	NotFound           Code = "not_found"           // 404: no such path
	UnknownModel       Code = "unknown_model"       // 404: no such model
	MethodNotAllowed   Code = "method_not_allowed"  // 405: the path exists, Allow lists its methods
	BodyTooLarge       Code = "body_too_large"      // 413: more bytes than the server takes
	ImageTooLarge      Code = "image_too_large"     // 413: more pixels, or more memory to decode, than the server takes
	UnsupportedType    Code = "unsupported_type"    // 415: not a picture in a known format
	DamagedImage       Code = "damaged_image"       // 422: the format is known, the file is broken
	Internal           Code = "internal"            // 500: a defect of the server
	WeightsUnavailable Code = "weights_unavailable" // 503: the model's weights cannot be read now
	WeightsMismatch    Code = "weights_mismatch"    // 503: the weights are not the ones the server was built with
	Busy               Code = "busy"                // 503: too many bodies in memory; try again
)

var statuses = map[Code]int{
	BadRequest:         http.StatusBadRequest,
	NotFound:           http.StatusNotFound,
	UnknownModel:       http.StatusNotFound,
	MethodNotAllowed:   http.StatusMethodNotAllowed,
	BodyTooLarge:       http.StatusRequestEntityTooLarge,
	ImageTooLarge:      http.StatusRequestEntityTooLarge,
	UnsupportedType:    http.StatusUnsupportedMediaType,
	DamagedImage:       http.StatusUnprocessableEntity,
	Internal:           http.StatusInternalServerError,
	WeightsUnavailable: http.StatusServiceUnavailable,
	WeightsMismatch:    http.StatusServiceUnavailable,
	Busy:               http.StatusServiceUnavailable,
}

// Error is a refusal as it is sent: the code decides the status.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Status is the HTTP status the error is sent with; unknown codes are 500.
func (e *Error) Status() int {
	if s, ok := statuses[e.Code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Refuse makes an [Error].
func Refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// asError keeps an *Error, wherever it is wrapped, and makes an Internal one of
// anything else.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Message: err.Error()}
}

func writeError(w http.ResponseWriter, err error) {
	e := asError(err)
	if e.Code == Busy {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, e.Status(), struct {
		Error *Error `json:"error"`
	}{e})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		body = []byte(`{"error":{"code":"internal","message":"the answer cannot be written as JSON"}}`)
	}
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
