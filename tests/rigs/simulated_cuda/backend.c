// Simulated CUDA devices: a ggml backend named CUDA with memory of any size, which computes on the CPU.
//
// It shares with ggml-cuda of llama.cpp (llama-cpp-python 0.3.36) what decides where memory goes and work is done: the
// operations that are copied out of host memory (offload_op), flash attention's head sizes, padded rows, the f16 copies
// of a quantised cache inside flash attention, pinned host buffers, events and alignment.  A load without allocation
// therefore reports the buffers of real devices.  Speed, the driver's context and its memory pools are not simulated.
//
//   SIMULATED_CUDA=24,16         GiB of memory, one device each
//   SIMULATED_CUDA_LOG=FILE      append a line for each copy to a device ("set", "copy": device, bytes, tensor), and for
//                                each graph ("run": device, nodes, tokens of its first product of matrices)
//   SIMULATED_CUDA_LIMIT=1       allocations beyond the memory fail
//   SIMULATED_CUDA_UNPINNED=1    host memory is not pinned, SIMULATED_CUDA_REFUSES=1 nothing is copied out of it
//   SIMULATED_CUDA_SLOW=250      microseconds that a product of matrices takes longer for every token
//   SIMULATED_CUDA_RESIDENT=1    all memory gets its pages at the start, as real devices need none of the host
//
// tests/rigs/simulated_cuda/__init__.py compiles it and has it loaded into engine children (LD_PRELOAD).
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"

// From ggml-backend-impl.h, API version 2, which is not installed with the engine.

struct ggml_backend_buffer_type {
    const char * (*get_name)(ggml_backend_buffer_type_t);
    ggml_backend_buffer_t (*alloc_buffer)(ggml_backend_buffer_type_t, size_t);
    size_t (*get_alignment)(ggml_backend_buffer_type_t);
    size_t (*get_max_size)(ggml_backend_buffer_type_t);
    size_t (*get_alloc_size)(ggml_backend_buffer_type_t, const struct ggml_tensor *);
    bool (*is_host)(ggml_backend_buffer_type_t);
    ggml_backend_dev_t device;
    void * context;
};

struct buffer_interface {
    void (*free_buffer)(ggml_backend_buffer_t);
    void * (*get_base)(ggml_backend_buffer_t);
    enum ggml_status (*init_tensor)(ggml_backend_buffer_t, struct ggml_tensor *);
    void (*memset_tensor)(ggml_backend_buffer_t, struct ggml_tensor *, uint8_t, size_t, size_t);
    void (*set_tensor)(ggml_backend_buffer_t, struct ggml_tensor *, const void *, size_t, size_t);
    void (*get_tensor)(ggml_backend_buffer_t, const struct ggml_tensor *, void *, size_t, size_t);
    void * set_tensor_2d;
    void * get_tensor_2d;
    bool (*cpy_tensor)(ggml_backend_buffer_t, const struct ggml_tensor *, struct ggml_tensor *);
    void (*clear)(ggml_backend_buffer_t, uint8_t);
    void (*reset)(ggml_backend_buffer_t);
};

struct ggml_backend_buffer {
    struct buffer_interface iface;
    ggml_backend_buffer_type_t buft;
    void * context;
    size_t size;
    enum ggml_backend_buffer_usage usage;
};

struct ggml_backend {
    ggml_guid_t guid;
    const char * (*get_name)(ggml_backend_t);
    void (*free)(ggml_backend_t);
    void (*set_tensor_async)(ggml_backend_t, struct ggml_tensor *, const void *, size_t, size_t);
    void (*get_tensor_async)(ggml_backend_t, const struct ggml_tensor *, void *, size_t, size_t);
    void * set_tensor_2d_async;
    void * get_tensor_2d_async;
    bool (*cpy_tensor_async)(ggml_backend_t, ggml_backend_t, const struct ggml_tensor *, struct ggml_tensor *);
    void (*synchronize)(ggml_backend_t);
    void * graph_plans[4];
    enum ggml_status (*graph_compute)(ggml_backend_t, struct ggml_cgraph *);
    void (*event_record)(ggml_backend_t, ggml_backend_event_t);
    void (*event_wait)(ggml_backend_t, ggml_backend_event_t);
    void * graph_optimize;
    ggml_backend_dev_t device;
    void * context;
};

struct ggml_backend_event {
    ggml_backend_dev_t device;
    void * context;
};

struct ggml_backend_device {
    const char * (*get_name)(ggml_backend_dev_t);
    const char * (*get_description)(ggml_backend_dev_t);
    void (*get_memory)(ggml_backend_dev_t, size_t *, size_t *);
    enum ggml_backend_dev_type (*get_type)(ggml_backend_dev_t);
    void (*get_props)(ggml_backend_dev_t, struct ggml_backend_dev_props *);
    ggml_backend_t (*init_backend)(ggml_backend_dev_t, const char *);
    ggml_backend_buffer_type_t (*get_buffer_type)(ggml_backend_dev_t);
    ggml_backend_buffer_type_t (*get_host_buffer_type)(ggml_backend_dev_t);
    void * buffer_from_host_ptr;
    bool (*supports_op)(ggml_backend_dev_t, const struct ggml_tensor *);
    bool (*supports_buft)(ggml_backend_dev_t, ggml_backend_buffer_type_t);
    bool (*offload_op)(ggml_backend_dev_t, const struct ggml_tensor *);
    ggml_backend_event_t (*event_new)(ggml_backend_dev_t);
    void (*event_free)(ggml_backend_dev_t, ggml_backend_event_t);
    void (*event_synchronize)(ggml_backend_dev_t, ggml_backend_event_t);
    ggml_backend_reg_t reg;
    void * context;
};

struct ggml_backend_reg {
    int api_version;
    const char * (*get_name)(ggml_backend_reg_t);
    size_t (*get_device_count)(ggml_backend_reg_t);
    ggml_backend_dev_t (*get_device)(ggml_backend_reg_t, size_t);
    void * (*get_proc_address)(ggml_backend_reg_t, const char *);
    void * context;
};

ggml_backend_buffer_t ggml_backend_buffer_init(
    ggml_backend_buffer_type_t, struct buffer_interface, void *, size_t);

// Devices

enum { MAX_DEVICES = 16, ALIGNMENT = 128, ROW_PADDING = 512 };

struct simulated {
    int number;
    char name[16], address[16];
    size_t total, taken, used;
    char * resident;
    struct ggml_backend_buffer_type buffers;
    struct ggml_backend_device device;
};

static struct simulated simulated[MAX_DEVICES];
static int count;
static struct ggml_backend_reg registry;

static struct simulated * of(ggml_backend_dev_t device) { return device->context; }

static struct simulated * owner(ggml_backend_buffer_t buffer) {
    for (int i = 0; i < count; i++) {
        if (buffer && buffer->buft == &simulated[i].buffers) {
            return &simulated[i];
        }
    }
    return NULL;
}

static struct simulated * owner_of(const struct ggml_tensor * tensor) {
    return owner(tensor->view_src ? tensor->view_src->buffer : tensor->buffer);
}

static void note(const char * kind, int device, size_t size, const char * name) {
    static FILE * file;
    const char * path = getenv("SIMULATED_CUDA_LOG");
    if (path && (file || (file = fopen(path, "a")))) {
        fprintf(file, "%s %d %zu %s\n", kind, device, size, name);
        fflush(file);
    }
}

// Buffers: pages are only taken once they are written.

static void buffer_free(ggml_backend_buffer_t buffer) {
    struct simulated * own = owner(buffer);
    own->taken -= buffer->size;
    if (own->resident) {
        own->used = own->taken ? own->used : 0;
    } else if (buffer->context) {
        munmap(buffer->context, buffer->size);
    }
}
static void * buffer_base(ggml_backend_buffer_t buffer) { return buffer->context; }
static void buffer_memset(ggml_backend_buffer_t b, struct ggml_tensor * t, uint8_t value, size_t at, size_t size) {
    (void) b;
    memset((char *) t->data + at, value, size);
}
static void buffer_set(ggml_backend_buffer_t b, struct ggml_tensor * t, const void * data, size_t at, size_t size) {
    memcpy((char *) t->data + at, data, size);
    note("set", owner(b)->number, size, t->name);
}
static void buffer_get(ggml_backend_buffer_t b, const struct ggml_tensor * t, void * data, size_t at, size_t size) {
    (void) b;
    memcpy(data, (const char *) t->data + at, size);
}
static bool buffer_copy(ggml_backend_buffer_t b, const struct ggml_tensor * from, struct ggml_tensor * to) {
    if (!owner_of(from)) {
        return false;
    }
    memcpy(to->data, from->data, ggml_nbytes(from));
    note("copy", owner(b)->number, ggml_nbytes(from), from->name);
    return true;
}
static void buffer_clear(ggml_backend_buffer_t buffer, uint8_t value) {
    if (value == 0 && !owner(buffer)->resident) {
        madvise(buffer->context, buffer->size, MADV_DONTNEED);
    } else {
        memset(buffer->context, value, buffer->size);
    }
}
static const struct buffer_interface BUFFER = {
    buffer_free, buffer_base, NULL, buffer_memset, buffer_set, buffer_get, NULL, NULL, buffer_copy, buffer_clear, NULL,
};

static void * pages(size_t size, int flags) {
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
}
static const char * type_name(ggml_backend_buffer_type_t type) { return ((struct simulated *) type->context)->name; }
static size_t type_alignment(ggml_backend_buffer_type_t type) { (void) type; return ALIGNMENT; }
static ggml_backend_buffer_t type_alloc(ggml_backend_buffer_type_t type, size_t size) {
    struct simulated * own = type->context;
    if (getenv("SIMULATED_CUDA_LIMIT") && own->taken + size > own->total) {
        fprintf(stderr, "allocating %.2f MiB on device %d: cudaMalloc failed: out of memory\n", size / 1048576.0, own->number);
        return NULL;
    }
    void * base = NULL;
    if (own->resident) {
        if (own->used + size > own->total) {
            return NULL;
        }
        base = own->resident + own->used;
        own->used += GGML_PAD(size, ALIGNMENT);
    } else if (size) {
        base = pages(size, 0);
        if (base == MAP_FAILED) {
            return NULL;
        }
    }
    own->taken += size;
    return ggml_backend_buffer_init(type, BUFFER, base, size);
}
static size_t f16_copy(const struct ggml_tensor * t) {
    return t->type == GGML_TYPE_F16 ? 0 : GGML_PAD(ggml_nelements(t) * 2, ALIGNMENT) + ALIGNMENT;
}
static size_t type_size(ggml_backend_buffer_type_t type, const struct ggml_tensor * tensor) {
    (void) type;
    size_t size = ggml_nbytes(tensor);
    // The kernels for more than two queries need keys and values in f16.
    if (tensor->op == GGML_OP_FLASH_ATTN_EXT && tensor->src[0]->ne[1] > 2) {
        size += f16_copy(tensor->src[1]) + f16_copy(tensor->src[2]);
    }
    if (ggml_is_quantized(tensor->type) && tensor->ne[0] % ROW_PADDING != 0) {
        size += ggml_row_size(tensor->type, ROW_PADDING - tensor->ne[0] % ROW_PADDING);
    }
    return size;
}

// Pinned host memory

static const char * host_name(ggml_backend_buffer_type_t type) { (void) type; return "CUDA_Host"; }
static struct ggml_backend_buffer_type host_buffers;
static ggml_backend_buffer_t host_alloc(ggml_backend_buffer_type_t type, size_t size) {
    ggml_backend_buffer_t buffer = ggml_backend_buft_alloc_buffer(ggml_backend_cpu_buffer_type(), size);
    // As ggml-cuda: where pinning fails, it is a plain buffer.
    if (buffer && !getenv("SIMULATED_CUDA_UNPINNED")) {
        buffer->buft = type;
    }
    return buffer;
}

// Backend

static const char * backend_name(ggml_backend_t backend) { return of(backend->device)->name; }
static void backend_free(ggml_backend_t backend) {
    ggml_backend_free(backend->context);
    free(backend);
}
static void backend_set(ggml_backend_t b, struct ggml_tensor * t, const void * data, size_t at, size_t size) {
    memcpy((char *) t->data + at, data, size);
    note("set", of(b->device)->number, size, t->name);
}
static void backend_get(ggml_backend_t b, const struct ggml_tensor * t, void * data, size_t at, size_t size) {
    (void) b;
    memcpy(data, (const char *) t->data + at, size);
}
static bool backend_copy(ggml_backend_t from, ggml_backend_t to, const struct ggml_tensor * a, struct ggml_tensor * b) {
    (void) from;
    if (!owner_of(a) || !owner_of(b)) {
        return false;
    }
    memcpy(b->data, a->data, ggml_nbytes(a));
    note("copy", of(to->device)->number, ggml_nbytes(a), a->name);
    return true;
}
static void backend_synchronize(ggml_backend_t backend) { (void) backend; }
static enum ggml_status backend_compute(ggml_backend_t backend, struct ggml_cgraph * graph) {
    const int nodes = ggml_graph_n_nodes(graph);
    char tokens[24] = "0";
    int64_t products = 0;
    for (int i = 0; i < nodes; i++) {
        const struct ggml_tensor * node = ggml_graph_node(graph, i);
        const int64_t columns = node->op == GGML_OP_MUL_MAT ? node->ne[1] : node->op == GGML_OP_MUL_MAT_ID ? node->ne[2] : 0;
        if (columns && !products) {
            snprintf(tokens, sizeof tokens, "%d", (int) columns);
        }
        products += columns;
    }
    note("run", of(backend->device)->number, nodes, tokens);
    const char * slow = getenv("SIMULATED_CUDA_SLOW");
    if (slow) {
        usleep((useconds_t) (products * atoi(slow)));
    }
    return ggml_backend_graph_compute(backend->context, graph);
}
static void event_nothing(ggml_backend_t backend, ggml_backend_event_t event) { (void) backend, (void) event; }

// Device

static const char * device_name(ggml_backend_dev_t device) { return of(device)->name; }
static const char * device_description(ggml_backend_dev_t device) { (void) device; return "NVIDIA GeForce RTX 4090"; }
static void device_memory(ggml_backend_dev_t device, size_t * available, size_t * total) {
    struct simulated * own = of(device);
    *total = own->total;
    *available = own->total > own->taken ? own->total - own->taken : 0;
}
static enum ggml_backend_dev_type device_type(ggml_backend_dev_t device) {
    (void) device;
    return GGML_BACKEND_DEVICE_TYPE_GPU;
}
static void device_props(ggml_backend_dev_t device, struct ggml_backend_dev_props * props) {
    props->name = device_name(device);
    props->description = device_description(device);
    props->type = device_type(device);
    props->device_id = of(device)->address;
    device_memory(device, &props->memory_free, &props->memory_total);
    props->caps.async = props->caps.host_buffer = props->caps.events = true;
    props->caps.buffer_from_host_ptr = false;
}
static ggml_backend_t device_init(ggml_backend_dev_t device, const char * parameters) {
    (void) parameters;
    static ggml_guid guid = {0x51, 0x3d, 0xcd, 0xa0};
    ggml_backend_t backend = calloc(1, sizeof *backend);
    backend->guid = &guid;
    backend->get_name = backend_name;
    backend->free = backend_free;
    backend->set_tensor_async = backend_set;
    backend->get_tensor_async = backend_get;
    backend->cpy_tensor_async = backend_copy;
    backend->synchronize = backend_synchronize;
    backend->graph_compute = backend_compute;
    backend->event_record = backend->event_wait = event_nothing;
    backend->device = device;
    backend->context = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, NULL);
    // Several threads wait for each other at every node, for long where other programs compute too.
    ggml_backend_cpu_set_n_threads(backend->context, 1);
    return backend;
}
static ggml_backend_buffer_type_t device_buffers(ggml_backend_dev_t device) { return &of(device)->buffers; }
static ggml_backend_buffer_type_t device_host_buffers(ggml_backend_dev_t device) { (void) device; return &host_buffers; }
static bool device_supports_op(ggml_backend_dev_t device, const struct ggml_tensor * op) {
    for (int i = 0; i < GGML_MAX_SRC; i++) {
        struct simulated * own = op->src[i] ? owner(op->src[i]->buffer) : NULL;
        if (own && own != of(device)) {
            return false;
        }
    }
    if (op->op == GGML_OP_FLASH_ATTN_EXT) {
        static const int heads[] = {40, 64, 72, 80, 96, 112, 128, 256, 512};
        for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
            if (op->src[1]->ne[0] == heads[i] && op->src[2]->ne[0] == heads[i]) {
                return true;
            }
        }
        return false;
    }
    return true;
}
static bool device_supports_buft(ggml_backend_dev_t device, ggml_backend_buffer_type_t type) {
    return type == &of(device)->buffers;
}
static bool device_offload(ggml_backend_dev_t device, const struct ggml_tensor * op) {
    (void) device;
    const char * text = getenv("GGML_OP_OFFLOAD_MIN_BATCH");
    const int64_t least = getenv("SIMULATED_CUDA_REFUSES") ? INT64_MAX : text ? atoi(text) : 32;
    switch (op->op) {
        case GGML_OP_GET_ROWS: return false;
        case GGML_OP_MUL_MAT: return op->ne[1] >= least;
        case GGML_OP_MUL_MAT_ID:
        case GGML_OP_ROPE: return op->ne[2] >= least;
        default: return ggml_nrows(op) >= least;
    }
}
static ggml_backend_event_t event_new(ggml_backend_dev_t device) {
    ggml_backend_event_t event = calloc(1, sizeof *event);
    event->device = device;
    return event;
}
static void event_free(ggml_backend_dev_t device, ggml_backend_event_t event) { (void) device; free(event); }
static void event_synchronize(ggml_backend_dev_t device, ggml_backend_event_t event) { (void) device, (void) event; }

// Registry

static const char * registry_name(ggml_backend_reg_t own) { (void) own; return "CUDA"; }
static size_t registry_count(ggml_backend_reg_t own) { (void) own; return (size_t) count; }
static ggml_backend_dev_t registry_device(ggml_backend_reg_t own, size_t index) {
    (void) own;
    return &simulated[index].device;
}
static void * registry_function(ggml_backend_reg_t own, const char * name) { (void) own, (void) name; return NULL; }

__attribute__((constructor)) static void add_devices(void) {
    const char * sizes = getenv("SIMULATED_CUDA");
    const char * hidden = getenv("CUDA_VISIBLE_DEVICES");
    if (!sizes || !*sizes || (hidden && !strcmp(hidden, "-1"))) {
        return;
    }
    registry = (struct ggml_backend_reg) {2, registry_name, registry_count, registry_device, registry_function, NULL};
    for (const char * next = sizes; next && count < MAX_DEVICES; next = strchr(next, ',')) {
        next += *next == ',';
        struct simulated * own = &simulated[count];
        own->number = count++;
        snprintf(own->name, sizeof own->name, "CUDA%d", own->number);
        snprintf(own->address, sizeof own->address, "0000:%02x:00.0", own->number + 1);
        own->total = (size_t) (atof(next) * (1 << 30));
        if (getenv("SIMULATED_CUDA_RESIDENT")) {
            own->resident = pages(own->total, MAP_POPULATE);
            if (own->resident == MAP_FAILED) {
                abort();
            }
        }
        own->buffers = (struct ggml_backend_buffer_type) {
            type_name, type_alloc, type_alignment, NULL, type_size, NULL, &own->device, own};
        own->device = (struct ggml_backend_device) {
            device_name, device_description, device_memory, device_type, device_props, device_init, device_buffers,
            device_host_buffers, NULL, device_supports_op, device_supports_buft, device_offload, event_new, event_free,
            event_synchronize, &registry, own};
    }
    ggml_backend_buffer_type_t cpu = ggml_backend_cpu_buffer_type();
    host_buffers = (struct ggml_backend_buffer_type) {
        host_name, host_alloc, cpu->get_alignment, NULL, cpu->get_alloc_size, cpu->is_host, &simulated[0].device, NULL};
    ggml_backend_register(&registry);
}
