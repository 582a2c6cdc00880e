/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* request.c - validation at the public edge: every number in its domain, every byte extent known and apart from the outputs. */
#include "rank/request.h"

#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "rank/order.h"

/* Bytes [first, last) of the address space. */
struct range {
    uintptr_t first, last;
};

static int overlap(struct range a, struct range b) {
    return a.first < a.last && b.first < b.last && a.first < b.last && b.first < a.last;
}

/* The bytes from pointer + low to pointer + high, INT64_MIN < low <= 0 <= high; 0 where they leave the address space. */
static int range_of(const void *pointer, int64_t low, int64_t high, struct range *range) {
    const uintptr_t at = (uintptr_t)pointer;
    if ((uint64_t)-low > at) return 0;
    if ((uint64_t)high > UINTPTR_MAX - at) return 0;
    range->first = at - (uintptr_t)(-low);
    range->last = at + (uintptr_t)high;
    return 1;
}

static int is_aligned(const void *pointer, int64_t alignment) { return (uintptr_t)pointer % (uintptr_t)alignment == 0; }

/* Bytes that a strided matrix spans, relative to its element (0, 0); 0 where they do not fit in int64. */
static int strided_extent(int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride, int64_t size, int64_t *low,
                          int64_t *high) {
    *low = *high = 0;
    if (rows == 0 || cols == 0) return 1;
    int64_t down, across, span;
    if (!st_multiply_i64(rows - 1, row_stride, &down) || !st_multiply_i64(cols - 1, col_stride, &across)) return 0;
    if (!st_add_i64(down < 0 ? down : 0, across < 0 ? across : 0, low)) return 0;
    if (!st_add_i64(down > 0 ? down : 0, across > 0 ? across : 0, high) || !st_add_i64(*high, 1, high)) return 0;
    if (!st_multiply_i64(*low, size, low) || !st_multiply_i64(*high, size, high)) return 0;
    return *low != INT64_MIN && st_add_i64(*high, -*low, &span);
}

int st_request_extent(const st_rank_request *request, int64_t *low, int64_t *high) {
    return strided_extent(request->rows, request->cols, request->row_stride, request->col_stride, st_dtype_size(request->dtype), low, high);
}

static st_status check_dtype(st_dtype dtype) {
    if (st_dtype_size(dtype) > 0) return ST_OK;
    return st_fail(ST_E_ARGUMENT, "dtype is %d, which is no dtype; use one of ST_F32 (1) to ST_U64 (12)", dtype);
}

static st_status check_nan_rule(int32_t nan_rule) {
    if (nan_rule >= ST_NAN_GREATEST && nan_rule <= ST_NAN_ERROR) return ST_OK;
    return st_fail(ST_E_ARGUMENT, "nan_rule is %d; use ST_NAN_GREATEST (0), ST_NAN_LEAST (1), ST_NAN_LAST (2) or ST_NAN_ERROR (3)",
                   nan_rule);
}

static st_status check_order(int32_t order) {
    if (order == ST_SORTED || order == ST_UNSORTED) return ST_OK;
    return st_fail(ST_E_ARGUMENT, "order is %d; use ST_SORTED (0) or ST_UNSORTED (1)", order);
}

static st_status check_descending(int32_t descending) {
    if (descending == 0 || descending == 1) return ST_OK;
    return st_fail(ST_E_ARGUMENT, "descending is %d; use 0 or 1", descending);
}

static st_status check_threads(int32_t threads) {
    if (threads >= 0) return ST_OK;
    return st_fail(ST_E_ARGUMENT, "threads is %d; use 0 for the context's, or a positive number", threads);
}

/* What a rank request and a band request share: the matrix, and the width of its column numbers. */
static st_status check_matrix(st_dtype dtype, st_dtype index_dtype, int64_t rows, int64_t cols, int64_t row_stride,
                              int64_t col_stride) {
    int64_t elements, bytes, low, high;
    if (index_dtype != ST_I32 && index_dtype != ST_I64)
        return st_fail(ST_E_ARGUMENT, "index_dtype is %d; use ST_I64 (%d) or ST_I32 (%d)", index_dtype, ST_I64, ST_I32);
    if (rows < 0) return st_fail(ST_E_ARGUMENT, "rows is %lld; it must be at least 0", (long long)rows);
    if (cols < 0) return st_fail(ST_E_ARGUMENT, "cols is %lld; it must be at least 0", (long long)cols);
    if (index_dtype == ST_I32 && cols > INT32_MAX)
        return st_fail(ST_E_ARGUMENT, "index_dtype is ST_I32 but cols is %lld; use ST_I64 for 2^31 columns or more", (long long)cols);
    if (!st_multiply_i64(rows, cols, &elements) || !st_multiply_i64(elements, 16, &bytes))
        return st_fail(ST_E_ARGUMENT, "rows is %lld and cols is %lld; their product must be below 2^59", (long long)rows, (long long)cols);
    if (!strided_extent(rows, cols, row_stride, col_stride, st_dtype_size(dtype), &low, &high))
        return st_fail(ST_E_ARGUMENT, "row_stride is %lld and col_stride is %lld; with %lld x %lld elements they reach past 2^63 bytes",
                       (long long)row_stride, (long long)col_stride, (long long)rows, (long long)cols);
    return ST_OK;
}

int64_t st_request_width(const st_rank_request *request) {
    return request->kind == ST_WINDOW ? request->hi - request->lo : request->k;
}

void st_rank_request_init(st_rank_request *request, int32_t kind, int64_t rows, int64_t cols, int64_t k) {
    if (request == NULL) return;
    memset(request, 0, sizeof *request);
    request->struct_size = sizeof *request;
    request->kind = kind;
    request->dtype = ST_F32;
    request->index_dtype = ST_I64;
    request->outputs = ST_OUT_VALUES | ST_OUT_INDICES;
    request->rows = rows;
    request->cols = cols;
    request->k = k;
    request->hi = kind == ST_WINDOW ? k : 0;
    request->row_stride = cols;
    request->col_stride = 1;
}

static st_status check_window(const st_rank_request *request) {
    if (request->kind == ST_WINDOW) {
        const st_status status = check_descending(request->descending);
        if (status != ST_OK) return status;
        if (request->lo < 0) return st_fail(ST_E_ARGUMENT, "lo is %lld; it must be at least 0", (long long)request->lo);
        if (request->hi < request->lo)
            return st_fail(ST_E_ARGUMENT, "hi is %lld but lo is %lld; hi must be at least lo", (long long)request->hi,
                           (long long)request->lo);
        if (request->hi > request->cols)
            return st_fail(ST_E_ARGUMENT, "hi is %lld but cols is %lld; hi must be at most cols", (long long)request->hi,
                           (long long)request->cols);
        return ST_OK;
    }
    if (request->k < 0) return st_fail(ST_E_ARGUMENT, "k is %lld; it must be at least 0", (long long)request->k);
    if (request->k > request->cols)
        return st_fail(ST_E_ARGUMENT, "k is %lld but cols is %lld; k must be at most cols", (long long)request->k,
                       (long long)request->cols);
    return ST_OK;
}

st_status st_request_check(const st_rank_request *request, int32_t most_threads, st_rank_request *resolved) {
    st_status status;
    if (request == NULL) return st_fail(ST_E_ARGUMENT, "request is NULL");
    if (request->struct_size != sizeof *request)
        return st_fail(ST_E_ARGUMENT, "request.struct_size is %u; start from st_rank_request_init", request->struct_size);
    if (request->kind < ST_TOPK || request->kind > ST_WINDOW)
        return st_fail(ST_E_ARGUMENT, "kind is %d; use ST_TOPK (1), ST_MIDK (2), ST_BOTTOMK (3) or ST_WINDOW (4)", request->kind);
    if ((status = check_dtype(request->dtype)) != ST_OK) return status;
    if ((status = check_nan_rule(request->nan_rule)) != ST_OK) return status;
    if ((status = check_order(request->order)) != ST_OK) return status;
    if (request->outputs < 1 || request->outputs > (ST_OUT_VALUES | ST_OUT_INDICES))
        return st_fail(ST_E_ARGUMENT, "outputs is %d; use ST_OUT_VALUES (1), ST_OUT_INDICES (2) or both (3)", request->outputs);
    if ((status = check_threads(request->threads)) != ST_OK) return status;
    status = check_matrix(request->dtype, request->index_dtype, request->rows, request->cols, request->row_stride,
                          request->col_stride);
    if (status != ST_OK) return status;
    if ((status = check_window(request)) != ST_OK) return status;

    /* Field by field, and what the kind does not read set to one value: equal requests then have equal bytes. */
    const int windowed = request->kind == ST_WINDOW;
    memset(resolved, 0, sizeof *resolved);
    resolved->struct_size = sizeof *resolved;
    resolved->kind = request->kind;
    resolved->dtype = request->dtype;
    resolved->index_dtype = request->index_dtype;
    resolved->nan_rule = request->nan_rule;
    resolved->order = request->order;
    resolved->outputs = request->outputs;
    resolved->descending = windowed ? request->descending : 0;
    resolved->threads = request->threads == 0 || request->threads > most_threads ? most_threads : request->threads;
    resolved->rows = request->rows;
    resolved->cols = request->cols;
    resolved->k = st_request_width(request);
    resolved->lo = windowed ? request->lo : 0;
    resolved->hi = windowed ? request->hi : 0;
    resolved->row_stride = request->row_stride;
    resolved->col_stride = request->col_stride;
    return ST_OK;
}

/* One named piece of memory: what overlap messages speak of. */
struct piece {
    const char *name;
    struct range range;
};

/* Checks that none of the outputs, the first `outputs` pieces, touches another piece. */
static st_status check_apart(const struct piece *pieces, int outputs, int count) {
    for (int i = 0; i < outputs; i++)
        for (int j = i + 1; j < count; j++)
            if (overlap(pieces[i].range, pieces[j].range))
                return st_fail(ST_E_ARGUMENT, "%s overlaps %s; give it memory of its own", pieces[i].name, pieces[j].name);
    return ST_OK;
}

static st_status check_pointer(const char *name, const void *pointer, int64_t alignment) {
    if (pointer == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", name);
    if (!is_aligned(pointer, alignment))
        return st_fail(ST_E_ARGUMENT, "%s is not aligned to its %lld-byte element", name, (long long)alignment);
    return ST_OK;
}

/* Checks an array of count elements, and gives its bytes. */
static st_status check_array(const char *name, const void *pointer, int64_t count, int64_t size, struct piece *piece) {
    int64_t bytes;
    const st_status status = check_pointer(name, pointer, size);
    if (status != ST_OK) return status;
    piece->name = name;
    if (!st_multiply_i64(count, size, &bytes) || !range_of(pointer, 0, bytes, &piece->range))
        return st_fail(ST_E_ARGUMENT, "%s: %lld elements of %lld bytes do not fit in the address space", name, (long long)count,
                       (long long)size);
    return ST_OK;
}

static st_status check_input(const void *input, st_dtype dtype, int64_t rows, int64_t cols, int64_t row_stride,
                             int64_t col_stride, struct piece *piece) {
    const int64_t size = st_dtype_size(dtype);
    int64_t low, high;
    const st_status status = check_pointer("input", input, size);
    if (status != ST_OK) return status;
    piece->name = "input";
    if (!strided_extent(rows, cols, row_stride, col_stride, size, &low, &high) || !range_of(input, low, high, &piece->range))
        return st_fail(ST_E_ARGUMENT, "input: the strides reach outside the address space");
    return ST_OK;
}

/* Checks an output of rows of `width` elements, and resolves its stride; `name` and "<name>_stride" go into messages. */
static st_status check_output(const char *name, const void *pointer, int64_t rows, int64_t width, int64_t size, int64_t *stride,
                              struct piece *piece) {
    int64_t elements;
    if (*stride == 0) *stride = width;
    if (*stride < width)
        return st_fail(ST_E_ARGUMENT, "%s_stride is %lld but an output row has %lld elements; use 0 (packed) or at least that", name,
                       (long long)*stride, (long long)width);
    if (!st_multiply_i64(rows - 1, *stride, &elements) || !st_add_i64(elements, width, &elements))
        return st_fail(ST_E_ARGUMENT, "%s_stride is %lld; %lld rows of it are too large", name, (long long)*stride, (long long)rows);
    return check_array(name, pointer, elements, size, piece);
}

static st_status check_row_list(const int64_t *list, int64_t count, int64_t rows) {
    for (int64_t i = 0; i < count; i++)
        if (list[i] < 0 || list[i] >= rows)
            return st_fail(ST_E_ARGUMENT, "row_list[%lld] is %lld but rows is %lld; each entry must be in [0, rows)", (long long)i,
                           (long long)list[i], (long long)rows);
    return ST_OK;
}

static st_status check_lengths(const int64_t *lengths, int64_t rows, int64_t cols) {
    for (int64_t i = 0; i < rows; i++)
        if (lengths[i] < 0 || lengths[i] > cols)
            return st_fail(ST_E_ARGUMENT, "lengths[%lld] is %lld but cols is %lld; each length must be in [0, cols]", (long long)i,
                           (long long)lengths[i], (long long)cols);
    return ST_OK;
}

st_status st_buffers_check(const st_rank_request *resolved, const st_rank_buffers *buffers, st_rank_buffers *checked) {
    st_status status;
    if (buffers == NULL) return st_fail(ST_E_ARGUMENT, "buffers is NULL");
    if (buffers->struct_size != sizeof *buffers)
        return st_fail(ST_E_ARGUMENT, "buffers.struct_size is %u; set it to sizeof(st_rank_buffers)", buffers->struct_size);
    if (buffers->row_list != NULL && buffers->row_list_count < 0)
        return st_fail(ST_E_ARGUMENT, "row_list_count is %lld; it must be at least 0", (long long)buffers->row_list_count);
    const int64_t width = st_request_width(resolved), size = st_dtype_size(resolved->dtype);
    const int64_t rows = buffers->row_list != NULL ? buffers->row_list_count : resolved->rows;
    memset(checked, 0, sizeof *checked);
    checked->struct_size = sizeof *checked;
    checked->row_list_count = rows;
    if (rows == 0 || width == 0) return ST_OK;

    struct piece pieces[6];
    int count = 0;
    if (resolved->outputs & ST_OUT_VALUES) {
        checked->values = buffers->values;
        checked->values_stride = buffers->values_stride;
        status = check_output("values", buffers->values, rows, width, size, &checked->values_stride, &pieces[count++]);
        if (status != ST_OK) return status;
    }
    if (resolved->outputs & ST_OUT_INDICES) {
        checked->indices = buffers->indices;
        checked->indices_stride = buffers->indices_stride;
        status = check_output("indices", buffers->indices, rows, width, resolved->index_dtype == ST_I32 ? 4 : 8,
                              &checked->indices_stride, &pieces[count++]);
        if (status != ST_OK) return status;
    }
    if (buffers->workspace != NULL) {
        checked->workspace = buffers->workspace;
        checked->workspace_size = buffers->workspace_size;
        if (buffers->workspace_size > INT64_MAX)
            return st_fail(ST_E_ARGUMENT, "workspace_size is too large; st_rank_workspace says how much is needed");
        status = check_array("workspace", buffers->workspace, (int64_t)buffers->workspace_size, 1, &pieces[count++]);
        if (status != ST_OK) return status;
    }
    const int written = count;
    if (buffers->row_list != NULL) {
        checked->row_list = buffers->row_list;
        status = check_array("row_list", buffers->row_list, rows, 8, &pieces[count++]);
        if (status != ST_OK) return status;
        if ((status = check_row_list(buffers->row_list, rows, resolved->rows)) != ST_OK) return status;
    }
    checked->input = buffers->input;
    status = check_input(buffers->input, resolved->dtype, resolved->rows, resolved->cols, resolved->row_stride,
                         resolved->col_stride, &pieces[count++]);
    if (status != ST_OK) return status;
    if (buffers->lengths != NULL) {
        checked->lengths = buffers->lengths;
        status = check_array("lengths", buffers->lengths, resolved->rows, 8, &pieces[count++]);
        if (status != ST_OK) return status;
        if ((status = check_lengths(buffers->lengths, resolved->rows, resolved->cols)) != ST_OK) return status;
    }
    return check_apart(pieces, written, count);
}

/* A bound of a band: one element that is no NaN. */
static st_status check_bound(const char *name, const void *bound, st_dtype dtype, struct piece *piece) {
    const st_status status = check_array(name, bound, 1, st_dtype_size(dtype), piece);
    if (status != ST_OK) return status;
    const st_order order = st_order_of(dtype, 0, ST_NAN_GREATEST);
    if ((st_element_bits(bound, order.bits) & (order.mask >> 1)) > order.infinity)
        return st_fail(ST_E_ARGUMENT, "%s is NaN, which bounds nothing; use -inf or inf for an open end", name);
    return ST_OK;
}

static st_status check_band_buffers(const st_band_request *request, const st_band_buffers *buffers) {
    st_status status;
    struct piece pieces[6];
    int count = 0;
    const int64_t size = st_dtype_size(request->dtype), index_size = request->index_dtype == ST_I32 ? 4 : 8;
    if ((status = check_array("counts", buffers->counts, request->rows, 8, &pieces[count++])) != ST_OK) return status;
    /* No more than every element is ever written, so a capacity above that claims no memory. */
    const int64_t elements = request->rows * request->cols, most = buffers->capacity < elements ? buffers->capacity : elements;
    if (buffers->values != NULL || buffers->indices != NULL) {
        if (buffers->capacity < 0)
            return st_fail(ST_E_ARGUMENT, "capacity is %lld; it must be at least 0", (long long)buffers->capacity);
        if (buffers->values != NULL) {
            status = check_array("values", buffers->values, most, size, &pieces[count++]);
            if (status != ST_OK) return status;
        }
        if (buffers->indices != NULL) {
            status = check_array("indices", buffers->indices, most, index_size, &pieces[count++]);
            if (status != ST_OK) return status;
        }
    }
    const int written = count;
    if ((status = check_bound("lower", request->lower, request->dtype, &pieces[count++])) != ST_OK) return status;
    if ((status = check_bound("upper", request->upper, request->dtype, &pieces[count++])) != ST_OK) return status;
    if (request->cols > 0) {
        status = check_input(buffers->input, request->dtype, request->rows, request->cols, request->row_stride,
                             request->col_stride, &pieces[count++]);
        if (status != ST_OK) return status;
    }
    return check_apart(pieces, written, count);
}

st_status st_band_check(const st_band_request *request, const st_band_buffers *buffers, int32_t most_threads,
                        st_band_request *resolved) {
    st_status status;
    if (request == NULL) return st_fail(ST_E_ARGUMENT, "request is NULL");
    if (request->struct_size != sizeof *request)
        return st_fail(ST_E_ARGUMENT, "request.struct_size is %u; set it to sizeof(st_band_request)", request->struct_size);
    if (buffers == NULL) return st_fail(ST_E_ARGUMENT, "buffers is NULL");
    if (buffers->struct_size != sizeof *buffers)
        return st_fail(ST_E_ARGUMENT, "buffers.struct_size is %u; set it to sizeof(st_band_buffers)", buffers->struct_size);
    if ((status = check_dtype(request->dtype)) != ST_OK) return status;
    if ((status = check_threads(request->threads)) != ST_OK) return status;
    status = check_matrix(request->dtype, request->index_dtype, request->rows, request->cols, request->row_stride,
                          request->col_stride);
    if (status != ST_OK) return status;
    if (request->passes < 0 || request->passes > 2)
        return st_fail(ST_E_ARGUMENT, "passes is %d; use 0 (as is best), 1 or 2", request->passes);
    *resolved = *request;
    if (request->threads == 0 || request->threads > most_threads) resolved->threads = most_threads;
    return request->rows == 0 ? ST_OK : check_band_buffers(request, buffers);
}

st_status st_stream_check(const st_stream_options *options) {
    st_status status;
    if (options == NULL) return st_fail(ST_E_ARGUMENT, "options is NULL");
    if (options->struct_size != sizeof *options)
        return st_fail(ST_E_ARGUMENT, "options.struct_size is %u; set it to sizeof(st_stream_options)", options->struct_size);
    if ((status = check_dtype(options->dtype)) != ST_OK) return status;
    if ((status = check_descending(options->descending)) != ST_OK) return status;
    if ((status = check_nan_rule(options->nan_rule)) != ST_OK) return status;
    if ((status = check_order(options->order)) != ST_OK) return status;
    if (options->lo < 0) return st_fail(ST_E_ARGUMENT, "lo is %lld; it must be at least 0", (long long)options->lo);
    if (options->hi < options->lo)
        return st_fail(ST_E_ARGUMENT, "hi is %lld but lo is %lld; hi must be at least lo", (long long)options->hi,
                       (long long)options->lo);
    if (options->length < -1)
        return st_fail(ST_E_ARGUMENT, "length is %lld; use -1 where it is not known, or at least 0", (long long)options->length);
    return ST_OK;
}

/* Checks one part, and that neither output touches it. */
static st_status check_part(const st_merge_request *request, int32_t part, struct piece outputs[2], int output_count,
                            int64_t *total) {
    const int64_t width = request->widths[part], size = st_dtype_size(request->dtype);
    if (width < 0) return st_fail(ST_E_ARGUMENT, "widths[%d] is %lld; it must be at least 0", part, (long long)width);
    if (!st_add_i64(*total, width, total)) return st_fail(ST_E_ARGUMENT, "widths[%d]: the parts have too many elements", part);
    if (width == 0) return ST_OK;
    const void *const pointers[2] = {request->values[part], request->indices[part]};
    const int64_t sizes[2] = {size, 8};
    static const char *const names[2] = {"values", "indices"};
    for (int i = 0; i < 2; i++) {
        int64_t bytes;
        struct range range;
        if (pointers[i] == NULL) return st_fail(ST_E_ARGUMENT, "request.%s[%d] is NULL", names[i], part);
        if (!is_aligned(pointers[i], sizes[i]))
            return st_fail(ST_E_ARGUMENT, "request.%s[%d] is not aligned to its %lld-byte element", names[i], part, (long long)sizes[i]);
        if (!st_multiply_i64(width, sizes[i], &bytes) || !range_of(pointers[i], 0, bytes, &range))
            return st_fail(ST_E_ARGUMENT, "widths[%d] is %lld; the part does not fit in the address space", part, (long long)width);
        for (int j = 0; j < output_count; j++)
            if (overlap(outputs[j].range, range))
                return st_fail(ST_E_ARGUMENT, "%s overlaps request.%s[%d]; give it memory of its own", outputs[j].name, names[i], part);
    }
    return ST_OK;
}

st_status st_merge_check(const st_merge_request *request, const void *values, const int64_t *indices) {
    st_status status;
    if (request == NULL) return st_fail(ST_E_ARGUMENT, "request is NULL");
    if (request->struct_size != sizeof *request)
        return st_fail(ST_E_ARGUMENT, "request.struct_size is %u; set it to sizeof(st_merge_request)", request->struct_size);
    if ((status = check_dtype(request->dtype)) != ST_OK) return status;
    if ((status = check_descending(request->descending)) != ST_OK) return status;
    if ((status = check_nan_rule(request->nan_rule)) != ST_OK) return status;
    if ((status = check_order(request->order)) != ST_OK) return status;
    if (request->parts < 0) return st_fail(ST_E_ARGUMENT, "parts is %d; it must be at least 0", request->parts);
    if (request->k < 0) return st_fail(ST_E_ARGUMENT, "k is %lld; it must be at least 0", (long long)request->k);
    if (request->k == 0) return ST_OK;
    if (values == NULL && indices == NULL) return st_fail(ST_E_ARGUMENT, "values and indices are both NULL; give at least one");
    struct piece outputs[2];
    int count = 0;
    if (values != NULL) {
        status = check_array("values", values, request->k, st_dtype_size(request->dtype), &outputs[count++]);
        if (status != ST_OK) return status;
    }
    if (indices != NULL && (status = check_array("indices", indices, request->k, 8, &outputs[count++])) != ST_OK) return status;
    if ((status = check_apart(outputs, count, count)) != ST_OK) return status;
    if (request->parts > 0 && (request->widths == NULL || request->values == NULL || request->indices == NULL))
        return st_fail(ST_E_ARGUMENT, "request.%s is NULL but parts is %d",
                       request->widths == NULL ? "widths" : request->values == NULL ? "values" : "indices", request->parts);
    int64_t total = 0;
    for (int32_t part = 0; part < request->parts; part++)
        if ((status = check_part(request, part, outputs, count, &total)) != ST_OK) return status;
    return ST_OK;
}
