package teach

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"

	"glance/models"
	"glance/weights"
)

// formatVersion is the value of a head's "glance-head" key that this package reads.
const formatVersion = 1

// The tensors of a head's file.
const (
	weightName = "weight" // F32 [classes features]
	biasName   = "bias"   // F32 [classes]
)

// Save returns the head as a file: safetensors with the tensors weight, F32
// [classes features], and bias, F32 [classes], and the metadata
//
//	glance-head   "1", the version of this format
//	labels        the class names, a line each
//	base          name of the network whose embeddings it classifies
//	base.sha256   of that network's blob
//	confusion     of the held-back examples: rows separated by semicolons, "9,1;0,10"
//	threshold     see [Head.Threshold]
//
// The same head gives the same bytes.
func (h *Head) Save() ([]byte, error) {
	md := map[string]string{
		"glance-head": strconv.Itoa(formatVersion),
		"labels":      strings.Join(h.classes, "\n"),
		"base":        h.base.Name,
		"base.sha256": h.base.SHA256,
		"confusion":   h.confusion.format(),
		"threshold":   strconv.FormatFloat(float64(h.threshold), 'g', -1, 32),
	}
	var b bytes.Buffer
	err := weights.Write(&b, md, []weights.Data{
		{Name: weightName, DType: weights.F32, Shape: []int{len(h.classes), h.features}, Bytes: floatBytes(h.weight)},
		{Name: biasName, DType: weights.F32, Shape: []int{len(h.classes)}, Bytes: floatBytes(h.bias)},
	})
	return b.Bytes(), err
}

// Load reads what [Head.Save] returned. The head predicts what the saved one did,
// bit for bit. Whoever uses it with a network calls [Head.CheckBase] first. The error
// is an [*Error], a [BadFile] or a [NewerFile].
func Load(file []byte) (*Head, error) {
	size := int64(len(file))
	n, err := weights.HeaderSize(file[:min(8, len(file))], size)
	if err != nil {
		return nil, badFile(err)
	}
	f, err := weights.ParseHeader(file[:n], size)
	if err != nil {
		return nil, badFile(err)
	}
	if v, err := strconv.ParseUint(f.Metadata["glance-head"], 10, 32); err == nil && v > formatVersion {
		return nil, &Error{Code: NewerFile, Detail: "head file: it has format " + strconv.FormatUint(v, 10) + ", this version reads " +
			strconv.Itoa(formatVersion) + ": use a later version of Glance, a page by reloading it"}
	}
	h, err := parseHead(f, file[f.DataOffset:])
	if err != nil {
		return nil, badFile(err)
	}
	return h, nil
}

func badFile(err error) error {
	detail := err.Error()
	if at := strings.Index(detail, ": "); at >= 0 { // without the package's name
		detail = detail[at+2:]
	}
	return &Error{Code: BadFile, Detail: "head file: " + detail, cause: err}
}

// parseHead reads a head from a checked header and the data section.
func parseHead(f *weights.File, data []byte) (*Head, error) {
	md := f.Metadata
	if v, ok := md["glance-head"]; !ok && md["glance"] != "" {
		return nil, errors.New("teach: these are the weights of a network, want a head that was saved after teaching")
	} else if v != strconv.Itoa(formatVersion) {
		return nil, badValue("glance-head", v, `"1", the only version of the format`)
	}
	weight, bias, err := tensors(f)
	if err != nil {
		return nil, err
	}
	h := &Head{features: weight.Shape[1], base: Base{md["base"], md["base.sha256"]}}
	if h.classes, err = models.Labels(md, weight.Shape[0]); err != nil {
		return nil, err
	}
	if err := checkClasses(h.classes); err != nil {
		return nil, err
	}
	if err := h.base.check(BadFile); err != nil {
		return nil, err
	}
	if h.confusion, err = parseConfusion(md["confusion"], len(h.classes)); err != nil {
		return nil, err
	}
	t, err := strconv.ParseFloat(md["threshold"], 32)
	if err != nil || !(t >= 0 && t <= 1) {
		return nil, badValue("threshold", md["threshold"], "a probability")
	}
	h.threshold = float32(t)
	if h.weight, err = floatsOf(weight, data); err != nil {
		return nil, err
	}
	h.bias, err = floatsOf(bias, data)
	return h, err
}

// tensors returns the two tensors of a head after checking their shapes.
func tensors(f *weights.File) (weight, bias weights.Tensor, err error) {
	if len(f.Tensors) != 2 {
		return weight, bias, errors.New("teach: " + plural(len(f.Tensors), "tensor") + ", want two, weight and bias")
	}
	weight, hasWeight := f.Tensor(weightName)
	bias, hasBias := f.Tensor(biasName)
	if !hasWeight || !hasBias {
		return weight, bias, errors.New("teach: the tensors are not named weight and bias")
	}
	for _, t := range f.Tensors {
		if t.DType != weights.F32 {
			return weight, bias, &weights.Error{Code: weights.BadDType, Tensor: t.Name, Detail: "dtype " + string(t.DType) + ", want F32"}
		}
	}
	if s := weight.Shape; len(s) != 2 || s[0] < 2 || s[0] > MaxClasses || s[1] < 1 || s[1] > MaxFeatures {
		return weight, bias, &weights.Error{Code: weights.BadShape, Tensor: weightName, Detail: "want [classes features], 2 to " +
			strconv.Itoa(MaxClasses) + " by 1 to " + strconv.Itoa(MaxFeatures)}
	}
	if s := bias.Shape; len(s) != 1 || s[0] != weight.Shape[0] {
		return weight, bias, &weights.Error{Code: weights.BadShape, Tensor: biasName, Detail: "want [" + strconv.Itoa(weight.Shape[0]) + "], one for each class"}
	}
	return weight, bias, nil
}

func floatBytes(values []float32) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func floatsOf(t weights.Tensor, data []byte) ([]float32, error) {
	data = data[t.Offset:][:t.Size]
	values := make([]float32, t.Size/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		if !finite(float64(values[i])) {
			return nil, &weights.Error{Code: weights.NotFinite, Tensor: t.Name, Detail: "value " + strconv.Itoa(i) + " is NaN or infinite"}
		}
	}
	return values, nil
}

// format writes a confusion matrix as "9,1;0,10".
func (c Confusion) format() string {
	var b []byte
	for i, row := range c {
		if i > 0 {
			b = append(b, ';')
		}
		for j, n := range row {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(n), 10)
		}
	}
	return string(b)
}

func parseConfusion(s string, classes int) (Confusion, error) {
	want := strconv.Itoa(classes) + " rows of as many counts, separated by semicolons and commas"
	rows := strings.SplitN(s, ";", classes+1)
	if len(rows) != classes {
		return nil, badValue("confusion", s, want)
	}
	c := newConfusion(classes)
	for i, row := range rows {
		counts := strings.SplitN(row, ",", classes+1)
		if len(counts) != classes {
			return nil, badValue("confusion", s, want)
		}
		for j, count := range counts {
			n, err := strconv.ParseUint(count, 10, 24)
			if err != nil {
				return nil, badValue("confusion", s, want)
			}
			c[i][j] = int(n)
		}
	}
	return c, nil
}

// badValue says that a metadata key has another value than it should.
func badValue(key, value, want string) error {
	return errors.New("teach: " + key + ": " + strconv.Quote(cut(value)) + " given, want " + want)
}
