package limit

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// unlimited is a limit that no machine reaches; version 1 of cgroups has such numbers.
const unlimited = 1 << 60

// cgroup is the memory cgroup of the process.
type cgroup struct {
	limit int64  // bytes, of the cgroup and those above it; 0: none
	files fs.FS  // of the machine
	stat  string // the file memory.stat of version 2, "" in version 1
}

// readCgroup finds the cgroup of the process in the files of the machine, version 2 or 1. A machine
// without cgroups has no limit.
func readCgroup(files fs.FS) cgroup {
	mounts, _ := fs.ReadFile(files, "proc/self/mountinfo")
	own, _ := fs.ReadFile(files, "proc/self/cgroup")
	for _, v1 := range []bool{false, true} {
		p := cgroupPath(own, map[bool]string{true: "memory"}[v1])
		root, mount := cgroupMount(mounts, v1)
		if p == "" || mount == "" {
			continue
		}
		// In a container the path may be that of the machine, and the mount begins below it.
		dir := path.Join(mount, strings.TrimPrefix(p, strings.TrimSuffix(root, "/")))
		if _, err := fs.Stat(files, path.Join(dir, "memory.stat")); err != nil {
			dir = mount
		}
		c := cgroup{files: files}
		if v1 {
			c.limit = bounded(numberOf(files, path.Join(dir, "memory.stat"), "hierarchical_memory_limit"))
		} else {
			c.stat = path.Join(dir, "memory.stat")
			c.limit = lowestLimit(files, dir, mount)
		}
		if c.limit > 0 {
			return c
		}
	}
	return cgroup{}
}

// kernel returns the memory that the kernel charges to the cgroup for the process: for sockets and
// their buffers, page tables and the like, and not for files, which it gives back. Version 1 counts
// the buffers of sockets apart from the limit, and the rest not apart from caches: there it is 0.
func (c *cgroup) kernel() int64 {
	if c.stat == "" {
		return 0
	}
	text, err := fs.ReadFile(c.files, c.stat)
	if err != nil {
		return 0
	}
	return max(0, field(text, "sock")+field(text, "kernel")-field(text, "slab_reclaimable"))
}

// cgroupPath returns the path of the process in the hierarchy of a controller, "" for version 2.
func cgroupPath(own []byte, controller string) string {
	for line := range strings.Lines(string(own)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for _, name := range strings.Split(parts[1], ",") {
			if name == controller && (controller != "" || parts[0] == "0") {
				return parts[2]
			}
		}
	}
	return ""
}

// cgroupMount returns where the hierarchy with the memory controller is mounted, without the
// leading slash, and the cgroup that is its root there.
func cgroupMount(mounts []byte, v1 bool) (root, mount string) {
	for line := range strings.Lines(string(mounts)) {
		left, right, found := strings.Cut(line, " - ")
		fields, kind := strings.Fields(left), strings.Fields(right)
		if !found || len(fields) < 5 || len(kind) < 3 {
			continue
		}
		if !v1 && kind[0] == "cgroup2" ||
			v1 && kind[0] == "cgroup" && strings.Contains(","+kind[2]+",", ",memory,") {
			return fields[3], strings.TrimPrefix(fields[4], "/")
		}
	}
	return "", ""
}

// lowestLimit returns the lowest memory.max or memory.high of a cgroup of version 2 and of those
// above it.
func lowestLimit(files fs.FS, dir, mount string) int64 {
	lowest := int64(unlimited)
	for {
		for _, name := range []string{"memory.max", "memory.high"} {
			text, err := fs.ReadFile(files, path.Join(dir, name))
			if n, bad := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); err == nil && bad == nil {
				lowest = min(lowest, n)
			}
		}
		if dir == mount || !strings.HasPrefix(dir, mount) {
			return bounded(lowest)
		}
		dir = path.Dir(dir)
	}
}

// bounded returns 0 for a limit that is none.
func bounded(n int64) int64 {
	if n <= 0 || n >= unlimited {
		return 0
	}
	return n
}

func numberOf(files fs.FS, name, key string) int64 {
	text, _ := fs.ReadFile(files, name)
	return field(text, key)
}

// field returns the number after key in lines such as "key 12", or 0.
func field(text []byte, key string) int64 {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), key+" "); found {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			if err != nil {
				return 0
			}
			return int64(min(n, math.MaxInt64))
		}
	}
	return 0
}
