//go:build !js

package simd_test

import (
	"testing"

	"glance/kernels"
	"glance/kernels/kerneltest"
	"glance/kernels/simd"
)

func machines(o simd.Options) kerneltest.NewMachine {
	return func(t testing.TB) kernels.Machine {
		m, err := simd.New(o)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

func TestCompiler(t *testing.T) { kerneltest.Run(t, machines(simd.Options{})) }

func TestThreads(t *testing.T) { kerneltest.Run(t, machines(simd.Options{Threads: 3})) }

func TestInterpreter(t *testing.T) { kerneltest.Run(t, machines(simd.Options{Interpreter: true})) }
