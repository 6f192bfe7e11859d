package checkpointtest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"glance/weights"
)

// TorchZip writes a state dict as torch.save does since version 1.6, below the
// keys of wrap.
func TorchZip(arrays []Array, wrap ...string) []byte {
	entries := []Entry{{"archive/data.pkl", stateDict(arrays, wrap)}}
	for i, a := range arrays {
		entries = append(entries, Entry{fmt.Sprintf("archive/data/%d", i), Encode(a.DType, a.Values)})
	}
	return Zip(zip.Store, append(entries, Entry{"archive/version", []byte("3\n")})...)
}

// Entry is a file in a zip archive.
type Entry struct {
	Name string
	Data []byte
}

// Zip writes an archive with one compression method.
func Zip(method uint16, entries ...Entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.Name, Method: method})
		if err != nil {
			panic(err)
		}
		if _, err := f.Write(e.Data); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// TorchLegacy writes a state dict as torch.save did before version 1.6.
func TorchLegacy(arrays []Array, wrap ...string) []byte {
	storages := make([][]byte, len(arrays))
	sizes := make([]int, len(arrays))
	for i, a := range arrays {
		storages[i], sizes[i] = Encode(a.DType, a.Values), len(a.Values)
	}
	return Legacy(stateDict(arrays, wrap), storages, sizes)
}

// Legacy assembles a legacy file from the pickle of its object and its storages,
// whose keys are their indices, with their numbers of elements.
func Legacy(object []byte, storages [][]byte, elements []int) []byte {
	var b bytes.Buffer
	b.WriteString("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")
	b.WriteString("\x80\x02M\xe9\x03.")
	system := NewPickle()
	system.Op("}")
	system.String("little_endian")
	system.Op("\x88s.")
	b.Write(system.Bytes())
	b.Write(object)
	keys := NewPickle()
	keys.Op("](")
	for i := range storages {
		keys.String(fmt.Sprint(i))
	}
	keys.Op("e.")
	b.Write(keys.Bytes())
	for i, s := range storages {
		b.Write(binary.LittleEndian.AppendUint64(nil, uint64(elements[i])))
		b.Write(s)
	}
	return b.Bytes()
}

// Safetensors writes a safetensors file.
func Safetensors(arrays []Array) []byte {
	var list []weights.Data
	for _, a := range arrays {
		dtype := a.DType
		if dtype == "" {
			dtype = weights.F32
		}
		list = append(list, weights.Data{Name: a.Name, DType: dtype, Shape: slices.Clone(a.Shape), Bytes: Encode(dtype, a.Values)})
	}
	var b bytes.Buffer
	if err := weights.Write(&b, nil, list); err != nil {
		panic(err)
	}
	return b.Bytes()
}
