/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* compose.c - from a request and its Choice to a program: the constants of all steps, and which family makes them. */
#include <string.h>

#include "backends/wgpu/composer.h"
#include "base/fail.h"
#include "rank/order.h"
#include "rank/request.h"
#include "rank/window.h"

/* Places are counted in 32 bits, of elements that may be bytes. */
static const uint64_t most_bytes = UINT32_MAX & ~(uint64_t)255;

/* Places beside each other, low word first. */
static void set_pair(uint32_t pair[2], uint64_t value) {
    pair[0] = (uint32_t)value;
    pair[1] = (uint32_t)(value >> 32);
}

static uint32_t divide_up(uint32_t a, uint32_t b) { return a / b + (a % b != 0); }

void st_wgpu_set_order(st_wgpu_composer *composer, int reversed) {
    const st_window window = st_window_of(composer->request, (size_t)composer->cols);
    st_order order = st_order_of(composer->request->dtype, window.descending, composer->request->nan_rule);
    st_wgpu_numbers *numbers = &composer->numbers;
    numbers->flags &= ~(uint32_t)ST_WGPU_NUMBERS_REVERSED;
    numbers->kept = (uint32_t)window.hi;
    if (reversed) {
        order = st_order_reversed(order);
        numbers->flags |= ST_WGPU_NUMBERS_REVERSED;
        numbers->kept = composer->cols - (uint32_t)window.lo;
    }
    set_pair(numbers->mask, order.mask);
    set_pair(numbers->negative_fill, order.negative_fill);
    set_pair(numbers->flip, order.flip);
    set_pair(numbers->infinity, order.infinity);
    set_pair(numbers->negative_zero, order.negative_zero);
    set_pair(numbers->nan_key, order.nan_key);
}

/*
 * The slice of a buffer that holds the elements [first, end): all of it where a binding can, else from the last aligned place
 * before them. *base, the place of element 0 in the slice, is counted modulo 2^32.
 */
static st_status set_slice(const st_wgpu_composer *composer, const char *what, uint64_t buffer_bytes, uint64_t first, uint64_t end,
                           uint64_t size, st_wgpu_slice *slice, uint32_t *base) {
    *slice = (st_wgpu_slice){0, buffer_bytes};
    if (buffer_bytes > composer->binding) {
        const uint64_t alignment = composer->limits->offset_alignment < 8 ? 8 : composer->limits->offset_alignment;
        slice->offset = first * size / alignment * alignment;
        slice->bytes = (end * size - slice->offset + 3) / 4 * 4;
        if (slice->bytes > composer->binding)
            return st_fail(ST_E_CAPACITY, "%s of %llu bytes do not fit a binding of %llu", what, (unsigned long long)slice->bytes,
                           (unsigned long long)composer->binding);
    }
    *base = (uint32_t)(0 - slice->offset / size);
    return ST_OK;
}

/* Elements of the input from row `row`, column `col` on, that so many rows and columns reach: [*first, *end). */
static void reach(const st_wgpu_layout *layout, uint64_t row, uint64_t rows, uint64_t col, uint64_t cols, uint64_t *first, uint64_t *end) {
    const int64_t origin = (int64_t)layout->input_base + (int64_t)row * layout->row_stride + (int64_t)col * layout->col_stride;
    const int64_t across = layout->row_stride * (int64_t)(rows - 1), along = layout->col_stride * (int64_t)(cols - 1);
    *first = (uint64_t)(origin + (across < 0 ? across : 0) + (along < 0 ? along : 0));
    *end = (uint64_t)(origin + (across > 0 ? across : 0) + (along > 0 ? along : 0)) + 1;
}

static st_status set_input(st_wgpu_composer *composer) {
    const st_wgpu_layout *layout = composer->layout;
    const uint64_t size = composer->bits / 8;
    uint64_t first, end;
    uint32_t base = 0;
    reach(layout, layout->has_list ? 0 : layout->first_row, layout->has_list ? (uint64_t)composer->request->rows : composer->rows, 0,
          composer->cols, &first, &end);
    composer->range_cols = composer->cols;
    const st_status status = set_slice(composer, "input rows", layout->input_bytes, first, end, size, &composer->input, &base);
    composer->numbers.input_base = (uint32_t)layout->input_base + base;
    if (status != ST_E_CAPACITY || composer->rows > 1 || layout->has_list) return status;
    composer->input = (st_wgpu_slice){0, 0};
    /* One row that no binding holds: a range of columns for each. An aligned place is less than an alignment away. */
    const uint64_t stride = (uint64_t)(layout->col_stride < 0 ? -layout->col_stride : layout->col_stride);
    composer->range_cols = (uint32_t)((composer->binding - 2 * composer->limits->offset_alignment - 8) / (size * stride));
    return ST_OK;
}

st_status st_wgpu_set_outputs(st_wgpu_composer *composer, uint64_t first_row, uint64_t rows, uint64_t width) {
    const st_wgpu_layout *layout = composer->layout;
    const uint64_t last = first_row + rows - 1;
    uint32_t base = 0;
    if (composer->request->outputs & ST_OUT_VALUES) {
        const st_status status =
            set_slice(composer, "values", layout->values_bytes, layout->values_base + first_row * layout->values_stride,
                      layout->values_base + last * layout->values_stride + width, composer->bits / 8, &composer->values, &base);
        if (status != ST_OK) return status;
        composer->numbers.values_base = (uint32_t)layout->values_base + base;
        composer->numbers.values_stride = (uint32_t)layout->values_stride;
        composer->numbers.flags |= ST_WGPU_NUMBERS_VALUES;
    }
    if (composer->request->outputs & ST_OUT_INDICES) {
        const int wide = composer->request->index_dtype == ST_I64;
        const st_status status =
            set_slice(composer, "indices", layout->indices_bytes, layout->indices_base + first_row * layout->indices_stride,
                      layout->indices_base + last * layout->indices_stride + width, wide ? 8 : 4, &composer->indices, &base);
        if (status != ST_OK) return status;
        composer->numbers.indices_base = (uint32_t)layout->indices_base + base;
        composer->numbers.indices_stride = (uint32_t)layout->indices_stride;
        composer->numbers.flags |= ST_WGPU_NUMBERS_INDICES | (wide ? ST_WGPU_NUMBERS_WIDE_INDICES : 0);
    }
    return ST_OK;
}

static void set_numbers(st_wgpu_composer *composer) {
    const st_rank_request *request = composer->request;
    const st_wgpu_layout *layout = composer->layout;
    const int32_t chunk = composer->choice->ch;
    st_wgpu_numbers *numbers = &composer->numbers;
    numbers->rows = composer->rows;
    numbers->first_row = (uint32_t)layout->first_row;
    numbers->pieces = numbers->all_pieces = 1;
    numbers->cols = numbers->full_cols = numbers->piece_cols = composer->cols;
    numbers->chunk = chunk > 0 ? (uint32_t)chunk : composer->cols;
    numbers->lengths_base = (uint32_t)layout->lengths_base;
    numbers->kind = (uint32_t)request->kind;
    numbers->k = (uint32_t)request->k;
    numbers->lo = (uint32_t)request->lo;
    numbers->hi = (uint32_t)request->hi;
    numbers->width = (uint32_t)st_request_width(request);
    numbers->row_stride = (int32_t)layout->row_stride;
    numbers->col_stride = (int32_t)layout->col_stride;
    if (layout->has_list) numbers->flags |= ST_WGPU_NUMBERS_LIST;
    if (layout->has_lengths) numbers->flags |= ST_WGPU_NUMBERS_LENGTHS;
    if (request->order == ST_UNSORTED) numbers->flags |= ST_WGPU_NUMBERS_UNSORTED;
    const st_window window = st_window_of(request, (size_t)request->cols);
    st_wgpu_set_order(composer, (int64_t)window.hi > request->cols - (int64_t)window.lo);
}

st_status st_wgpu_take(st_wgpu_composer *composer, uint64_t words, uint32_t *base) {
    const uint64_t taken = composer->program->scratch_bytes / 4, most = composer->binding / 4;
    if (words > most || taken + words > most)
        return st_fail(ST_E_CAPACITY, "%llu bytes of scratch do not fit a binding of %llu on this device",
                       (unsigned long long)(taken + words) * 4, (unsigned long long)composer->binding);
    *base = (uint32_t)taken;
    composer->program->scratch_bytes = (taken + words) * 4;
    return ST_OK;
}

st_status st_wgpu_take_entries(st_wgpu_composer *composer, uint64_t count) {
    uint32_t base;
    composer->numbers.plane = (uint32_t)count;
    return st_wgpu_take(composer, count <= composer->binding ? count * (composer->bits == 64 ? 3 : 2) : count, &base);
}

st_status st_wgpu_add(st_wgpu_composer *composer, const st_wgpu_variant *variant, const st_wgpu_numbers *numbers, st_wgpu_step **step) {
    st_wgpu_program *program = composer->program;
    const uint64_t parts = (uint64_t)numbers->rows * numbers->pieces, most = composer->limits->groups;
    const uint64_t groups = (parts + variant->parts - 1) / variant->parts;
    if (groups > most * most || parts > UINT32_MAX)
        return st_fail(ST_E_CAPACITY, "%llu workgroups are more than a dispatch can have", (unsigned long long)groups);
    if (program->count == ST_WGPU_MOST_STEPS)
        return st_fail(ST_E_CAPACITY, "a row of %u columns needs more than %d dispatches on this device", composer->cols, ST_WGPU_MOST_STEPS);
    st_wgpu_step *added = &program->steps[program->count++];
    memset(added, 0, sizeof *added);
    added->variant = *variant;
    added->groups[0] = (uint32_t)(groups < most ? groups : most);
    added->groups[1] = (uint32_t)((groups + added->groups[0] - 1) / added->groups[0]);
    added->input = composer->input;
    added->values = composer->values;
    added->indices = composer->indices;
    added->numbers = *numbers;
    added->numbers.groups_x = added->groups[0];
    if (step != NULL) *step = added;
    return ST_OK;
}

st_status st_wgpu_add_ranges(st_wgpu_composer *composer, const st_wgpu_variant *variant, const st_wgpu_numbers *numbers) {
    const uint32_t range = composer->range_cols;
    for (uint64_t from = 0; from < composer->cols; from += range) {
        st_wgpu_numbers here = *numbers;
        here.first_col = (uint32_t)from;
        here.cols = (uint32_t)(composer->cols - from < range ? composer->cols - from : range);
        here.first_piece = (uint32_t)(from / numbers->piece_cols);
        here.pieces = (here.cols + numbers->piece_cols - 1) / numbers->piece_cols;
        st_wgpu_step *step = NULL;
        st_status status = st_wgpu_add(composer, variant, &here, &step);
        if (status != ST_OK) return status;
        if (range == composer->cols) continue;
        uint64_t first, end;
        uint32_t base = 0;
        reach(composer->layout, composer->layout->first_row, 1, from, here.cols, &first, &end);
        status = set_slice(composer, "columns", composer->layout->input_bytes, first, end, composer->bits / 8, &step->input, &base);
        if (status != ST_OK) return status;
        step->numbers.input_base = (uint32_t)composer->layout->input_base + base;
    }
    return ST_OK;
}

st_status st_wgpu_add_last(st_wgpu_composer *composer, const st_wgpu_variant *variant, const st_wgpu_numbers *numbers) {
    st_wgpu_numbers last = *numbers;
    const int deferred = composer->range_cols < composer->cols && (numbers->flags & ST_WGPU_NUMBERS_VALUES);
    if (deferred) {
        const st_status status = st_wgpu_take(composer, numbers->width, &last.picks_base);
        if (status != ST_OK) return status;
        last.flags |= ST_WGPU_NUMBERS_DEFERRED;
    }
    const st_status status = st_wgpu_add(composer, variant, &last, NULL);
    if (status != ST_OK || !deferred) return status;
    st_wgpu_numbers pick = composer->numbers;
    pick.picks_base = last.picks_base;
    pick.piece_cols = composer->range_cols;
    const st_wgpu_variant picks = {.kernel = ST_WGPU_KERNEL_PICK, .bits = composer->bits, .workgroup = variant->workgroup, .parts = 1};
    return st_wgpu_add_ranges(composer, &picks, &pick);
}

st_wgpu_variant st_wgpu_variant_of(const st_wgpu_composer *composer, uint32_t kernel) {
    return (st_wgpu_variant){.kernel = kernel, .bits = composer->bits, .workgroup = (uint32_t)composer->choice->wg, .parts = 1};
}

uint32_t st_wgpu_power_from(uint32_t value) {
    uint32_t power = 1;
    while (power < value && power < 1u << 31) power *= 2;
    return power;
}

uint32_t st_wgpu_unroll(const st_wgpu_composer *composer, int32_t step, uint32_t most) {
    /* A step's elements are in registers, and so are those of the next: of 64 bits, half as many. */
    const uint32_t unroll = (uint32_t)step / (uint32_t)composer->choice->wg, fits = composer->bits == 64 ? most / 2 : most;
    return unroll < 1 ? 1 : unroll > fits ? fits : unroll;
}

int st_wgpu_cut_row(st_wgpu_composer *composer, uint32_t most, uint32_t least, st_wgpu_numbers *numbers) {
    enum { ENOUGH_GROUPS = 1024 };
    const uint32_t cols = composer->cols, range = composer->range_cols, chosen = (uint32_t)composer->choice->ch;
    if (!composer->choice->use_2ce && range == cols) return 0;
    uint32_t pieces = divide_up(ENOUGH_GROUPS, composer->rows);
    if (pieces > most) pieces = most;
    if (pieces < 2) pieces = 2;
    uint32_t piece = divide_up(cols, pieces);
    if (piece < least) piece = least;
    if (piece < chosen) piece = chosen;
    if (piece > 64 && piece < cols) piece = divide_up(piece, 64) * 64;
    if (range < cols) {
        if (piece > range) piece = range;
        composer->range_cols = range / piece * piece;
    }
    numbers->piece_cols = piece;
    numbers->all_pieces = numbers->pieces = divide_up(cols, piece);
    return numbers->all_pieces > 1;
}

st_status st_wgpu_begin(st_wgpu_composer *composer) {
    const st_rank_request *request = composer->request;
    const st_wgpu_layout *layout = composer->layout;
    if (request->cols >= UINT32_MAX || layout->first_row + layout->output_rows >= UINT32_MAX)
        return st_fail(ST_E_CAPACITY, "rows and columns are counted in 32 bits on this device");
    composer->binding = composer->limits->binding_bytes < most_bytes ? composer->limits->binding_bytes : most_bytes;
    composer->rows = (uint32_t)layout->output_rows;
    composer->cols = (uint32_t)request->cols;
    composer->bits = (uint32_t)st_dtype_size(request->dtype) * 8;
    set_numbers(composer);
    return set_input(composer);
}

/* A sweep over all rows for the lowest one with a NaN, and one over that row. */
static st_status add_nan_scan(const st_wgpu_composer *composer) {
    enum { LOADS = 8, LEAST_COLS = 2048 };
    const st_choice choice = {.wg = composer->choice->wg, .use_2ce = 1};
    st_wgpu_composer scan = *composer;
    scan.choice = &choice;
    st_wgpu_numbers numbers = scan.numbers;
    numbers.chunk = scan.cols;
    st_wgpu_cut_row(&scan, UINT32_MAX, LEAST_COLS, &numbers);
    st_wgpu_variant variant = st_wgpu_variant_of(&scan, ST_WGPU_KERNEL_NAN_ROW);
    variant.unroll = LOADS;
    const st_status status = st_wgpu_add_ranges(&scan, &variant, &numbers);
    if (status != ST_OK) return status;
    variant.kernel = ST_WGPU_KERNEL_NAN_COLUMN;
    return st_wgpu_add_ranges(&scan, &variant, &numbers);
}

st_status st_wgpu_compose(const st_rank_request *request, const st_choice *choice, const st_wgpu_limits *limits,
                          const st_wgpu_layout *layout, st_wgpu_program *program) {
    st_wgpu_composer composer = {.request = request, .choice = choice, .limits = limits, .layout = layout, .program = program};
    program->count = 0;
    program->scratch_bytes = 0;
    if (layout->output_rows == 0 || st_request_width(request) == 0) return ST_OK;
    st_status status = st_wgpu_begin(&composer);
    if (status == ST_OK)
        status = st_wgpu_set_outputs(&composer, layout->first_row, layout->output_rows, (uint64_t)st_request_width(request));
    const int is_float = (composer.numbers.negative_zero[0] | composer.numbers.negative_zero[1]) != 0;
    if (status == ST_OK && request->nan_rule == ST_NAN_ERROR && is_float) status = add_nan_scan(&composer);
    if (status != ST_OK) return status;
    if (choice->mk == ST_MK_RADIX) return st_wgpu_compose_radix(&composer);
    const int shared = choice->mk == ST_MK_SHARED && (choice->mkd == ST_MKD_HEAP || choice->mkd == ST_MKD_KWAY);
    return shared || choice->mk == ST_MK_WARP ? st_wgpu_compose_queues(&composer) : st_wgpu_compose_buffer(&composer);
}
