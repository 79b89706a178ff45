package limit

import (
	"testing"
	"testing/fstest"
)

const (
	mountsV1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" +
		"33 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	mountsV2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
)

func TestCgroup(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mounts, own string
		files       map[string]string // below /sys/fs/cgroup
		limit       int64
		kernel      int64
	}{
		"none": {},
		"v1": {mountsV1, "5:cpu:/\n4:memory:/docker/a\n", map[string]string{
			"memory/docker/a/memory.stat": "cache 1\nhierarchical_memory_limit 209715200\nrss 7\n",
		}, 209715200, 0},
		"v1 without a limit": {mountsV1, "4:memory:/a\n", map[string]string{
			"memory/a/memory.stat": "hierarchical_memory_limit 9223372036854771712\n",
		}, 0, 0},
		"v1 in a container, with the path of the machine": {
			"33 31 0:32 /docker/a /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"4:memory:/docker/a\n", map[string]string{
				"memory/memory.stat": "hierarchical_memory_limit 1000\n",
			}, 1000, 0},
		"v2": {mountsV2, "0::/a/b\n", map[string]string{
			"a/b/memory.stat": "anon 5\nkernel 500\nsock 70\nslab_reclaimable 100\nslab 300\n",
			"a/b/memory.max":  "3000\n", "a/b/memory.high": "max\n",
		}, 3000, 470},
		"v2, the limit of a parent": {mountsV2, "0::/a/b\n", map[string]string{
			"a/b/memory.stat": "", "a/b/memory.max": "max\n", "a/memory.max": "2000\n",
			"a/memory.high": "1500\n",
		}, 1500, 0},
		"v2 in a container": {mountsV2, "0::/../../x\n", map[string]string{
			"memory.stat": "sock 3\n", "memory.max": "1000\n",
		}, 1000, 3},
		"v2 without a limit": {mountsV2, "0::/\n", map[string]string{"memory.stat": "sock 3\n"}, 0, 0},
		"both, memory in v1": {
			mountsV1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			"4:memory:/a\n0::/a\n", map[string]string{
				"memory/a/memory.stat": "hierarchical_memory_limit 800\n", "unified/a/cgroup.procs": "",
			}, 800, 0},
	} {
		files := fstest.MapFS{
			"proc/self/mountinfo": {Data: []byte(c.mounts)}, "proc/self/cgroup": {Data: []byte(c.own)},
		}
		for path, text := range c.files {
			files["sys/fs/cgroup/"+path] = &fstest.MapFile{Data: []byte(text)}
		}
		group := readCgroup(files)
		if group.limit != c.limit || group.kernel() != c.kernel {
			t.Errorf("%s: limit %d, kernel %d; want %d, %d", name, group.limit, group.kernel(), c.limit,
				c.kernel)
		}
	}
}
