package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// inWazero runs a job natively, on one thread and without the rooflines.
func inWazero(j job) (r result, err error) {
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	var instances []api.Module
	for _, m := range j.Modules {
		instance, err := runtime.InstantiateWithConfig(ctx, m.Code, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			return r, fmt.Errorf("%s: %w", m.Name, err)
		}
		instances = append(instances, instance)
	}
	r.Times = make(map[string]map[string][]float64)
	for _, c := range j.Cases {
		r.Times[c.Name] = make(map[string][]float64)
		var runs []func() error
		for i, instance := range instances {
			memory := instance.Memory()
			if need := uint32((c.Bytes+1<<16-1)>>16) - memory.Size()>>16; int32(need) > 0 {
				memory.Grow(need)
			}
			fill(memory, c)
			f := instance.ExportedFunction("run")
			runs = append(runs, func() error {
				status, err := f.Call(ctx, uint64(c.Program), 0, uint64(c.Phases))
				if err == nil && status[0] != 0 {
					err = fmt.Errorf("status %d", status[0])
				}
				if err != nil {
					err = fmt.Errorf("%s on %s: %w", c.Name, j.Modules[i].Name, err)
				}
				return err
			})
		}
		for range j.Rounds {
			for i, run := range runs {
				start, n := time.Now(), 0
				for n == 0 || time.Since(start).Seconds()*1e3 < j.Slice {
					if err := run(); err != nil {
						return r, err
					}
					n++
				}
				name := j.Modules[i].Name
				r.Times[c.Name][name] = append(r.Times[c.Name][name], time.Since(start).Seconds()*1e6/float64(n))
			}
		}
	}
	return r, nil
}

// fill gives the memory its contents, as measure.js does.
func fill(memory api.Memory, c benchCase) {
	const base = 1 << 16 // the first page is the module's
	for i := range uint32(c.Bytes-base) / 4 {
		memory.WriteUint32Le(base+4*i, math.Float32bits(float32(i*7919%1013)/1013-0.45))
	}
	for _, w := range c.Writes {
		memory.Write(w.At, w.Data)
	}
}
