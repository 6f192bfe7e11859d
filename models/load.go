package models

import (
	"glance/kernels"
	"glance/weights"
)

// LoadBytes makes a session from a whole blob in memory: header, configuration,
// network, packed weights. Errors are those of [weights.ParseHeader],
// [ConfigFromMetadata], [NewSession] and [Session.Pack].
func LoadBytes(m kernels.Machine, blob []byte, o PlanOptions) (*Session, error) {
	size := int64(len(blob))
	n, err := weights.HeaderSize(blob[:min(8, len(blob))], size)
	if err != nil {
		return nil, err
	}
	f, err := weights.ParseHeader(blob[:n], size)
	if err != nil {
		return nil, err
	}
	c, _, err := ConfigFromMetadata(f.Metadata)
	if err != nil {
		return nil, err
	}
	network, err := New(c)
	if err != nil {
		return nil, err
	}
	mark := m.Mark()
	s, err := NewSession(m, network, f, o)
	if err != nil {
		return nil, err
	}
	p, _ := s.Staging()
	if err = m.Write(p, blob[f.DataOffset:f.DataOffset+f.DataSize]); err == nil {
		err = s.Pack()
	}
	if err != nil {
		m.Release(mark)
		return nil, err
	}
	return s, nil
}
