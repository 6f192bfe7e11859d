// The program that the slim test runs with and without its line tables: it
// grows stacks, collects garbage, recovers from a panic and ends in another.
package main

import (
	"errors"
	"os"
	"runtime"
	"strconv"
)

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

func (t *tree) count() int {
	if t.left == nil {
		return 1
	}
	return t.left.count() + t.right.count() + 1
}

//go:noinline
func element(a []int, i int) int { return a[i] }

func recovered() (err error) {
	defer func() { err = errors.New("recovered") }()
	defer func() { recover() }()
	element(nil, len(os.Args))
	return nil
}

func main() {
	counts := make(chan int)
	for range 8 {
		go func() {
			n := 0
			for range 10 {
				n += grow(10).count()
				runtime.Gosched()
			}
			counts <- n
		}()
	}
	sum := 0
	for range 8 {
		sum += <-counts
	}
	runtime.GC()
	os.Stdout.WriteString(strconv.Itoa(sum) + " " + recovered().Error() + "\n")
	element(nil, 3)
}
