// Package layout is where things lie in the memory of jpeg.wasm: what the
// generator of the module and the decoder that drives it agree on. Everything
// is made of little-endian 32-bit words.
package layout

// The fixed addresses. Planes, blocks and the stream follow from Free on.
const (
	Scratch = 256                        // one block of coefficients and intermediate values
	Scan    = Scratch + 256              // the state of the scan
	Tables  = 1024                       // four Huffman tables: DC 0, DC 1, AC 0, AC 1
	Quant   = Tables + 4*TableBytes      // four quantization tables
	Free    = (Quant + 4*256 + 63) &^ 63 // first free byte
)

// The words of the scan's state.
const (
	// ScanTop is one past the address of the stream's first byte. The stream, without
	// stuffing and markers, runs towards lower addresses, so that a little-endian
	// load gives four bytes with the earliest on top.
	ScanTop     = Scan
	ScanBit     = Scan + 4  // position in bits from the stream's start
	ScanEnd     = Scan + 8  // bits up to the end of the segment
	ScanBlocks  = Scan + 12 // address of the MCU's blocks
	ScanLast    = Scan + 16 // address past them
	ScanDC      = Scan + 20 // three predictions, one for each component
	ScanFrom    = Scan + 32 // progressive: coefficients ScanFrom to ScanUpTo,
	ScanUpTo    = Scan + 36
	ScanShift   = Scan + 40 // without so many low bits
	ScanRun     = Scan + 44 // blocks to come that have no more coefficients in this scan
	ScanBytes   = 48
	ScanPadding = 320 // bytes below the stream that may be read: one block without end
)

// The words of a block of the MCU.
const (
	BlockDC     = 0  // address of the DC table
	BlockAC     = 4  // address of the AC table
	BlockQuant  = 8  // address of the quantization table
	BlockPred   = 12 // address of the component's prediction
	BlockTo     = 16 // where the block's samples, or coefficients, go; the module adds Step after each
	BlockStride = 20 // bytes from one row of samples to the next
	BlockStep   = 24 // bytes from one MCU to the next
	BlockFrom   = 28 // rebuild: where the coefficients are; the module adds Next after each
	BlockNext   = 32
	BlockBytes  = 36
)

// A Huffman table is a look-up of the next LookupBits bits, and for longer codes
// the limits by which a code's length is found (JPEG, annex F.2.2.3, with codes
// aligned to 16 bits):
//
//	[1 << LookupBits] entries
//	for length LookupBits+1 .. 16: {limit, offset}: the first length whose limit is above
//	    the next 16 bits b is the code's; its symbol is at symbols[b>>(16-length) + offset]
//	[256] symbols, one byte each
//
// An entry is {bits, symbol, value}: bits 0-4 say how many bits it takes; with
// Whole they are those of the code and of the value behind it, which is in bits
// 16-31, signed. Bits 8-15 hold the symbol. Entry 0 means a longer code, or none.
const (
	LookupBits = 10
	Longer     = 4 << LookupBits            // offset of the limits
	Symbols    = Longer + 8*(16-LookupBits) // offset of the symbols
	TableBytes = (Symbols + 256 + 63) &^ 63
	Whole      = 1 << 7
)

// A quantization table has a word for each coefficient in zigzag order: where it
// goes in the transposed block, in bytes, and the step in the upper 16 bits.
const QuantShift = 16
