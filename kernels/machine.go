package kernels

// Machine executes programs over a memory it owns. A Machine is not safe for
// concurrent use.
type Machine interface {
	// Name is the backend's name: "go", "simd128" or "relaxed".
	Name() string
	// Threads is how many lanes of a program run at the same time. A program
	// with another number of lanes runs all the same, with the same result: the
	// lanes of a phase are shared out or run one after another.
	Threads() int
	// Alloc reserves n bytes, zero-filled and aligned to [Align], and grows the
	// memory as needed. Nothing is ever freed but by [Machine.Release].
	Alloc(n int) (Ptr, error)
	// Mark returns a point that Release can go back to.
	Mark() Ptr
	// Release forgets every region allocated since the mark was taken. Their
	// contents are undefined when allocated again, but zero-filled by Alloc.
	Release(mark Ptr)
	// MemoryBytes is the size of the memory now, in bytes.
	MemoryBytes() int
	// Read copies memory at p into dst, Write copies src to p. Both fail with
	// [ErrBounds] where the range is not inside the memory.
	Read(dst []byte, p Ptr) error
	Write(p Ptr, src []byte) error
	// Run executes phases [from, to) of the encoded program at p on all its
	// lanes and returns when all are done. It fails with a [StatusError] where
	// an operator reports a problem and with another error where the machine
	// itself broke (a trap, a helper thread that died). A range of phases that the
	// program does not have is [StatusInvalid].
	Run(p Ptr, from, to int) error
	// Close frees what the machine holds. It may be called more than once.
	Close() error
}

// Status is what running a program ends with.
type Status uint32

// The statuses. Modules return them from their "run" export.
const (
	StatusOK           Status = iota
	StatusNotFinite           // PackPanels met a NaN or an infinity
	StatusInvalid             // a record's opcode or argument is not valid
	StatusHelperFailed        // a helper thread did not finish its lane in time
)

// StatusError is a status other than StatusOK, returned by [Machine.Run].
type StatusError struct{ Status Status }

func (e StatusError) Error() string {
	switch e.Status {
	case StatusNotFinite:
		return "kernels: a weight is NaN or infinite"
	case StatusInvalid:
		return "kernels: the program holds an invalid record"
	case StatusHelperFailed:
		return "kernels: a helper thread stopped answering"
	}
	return "kernels: unknown status"
}

// Error is an error constant of this package.
type Error string

func (e Error) Error() string { return string(e) }

// The errors a machine returns.
const (
	ErrBounds = Error("kernels: range outside the machine's memory")
	ErrMemory = Error("kernels: out of memory")
	ErrClosed = Error("kernels: machine is closed")
)
