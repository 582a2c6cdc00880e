// SPDX-License-Identifier: AGPL-3.0-or-later
// native.cpp - the peers that are C++: std::nth_element, std::partial_sort and Highway's vectorised sort, each in the ways
// that a careful person would write, and the program's own read limit and crew of threads (cli/bench_crew.c, compiled into
// this library as it is) for the process in which the peers run.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <numeric>

#if defined(ST_PEERS_HIGHWAY)
#include <hwy/base.h>
#include <hwy/contrib/sort/vqsort.h>
#endif

#define ST_PEERS_API extern "C" __attribute__((visibility("default")))

// As cli/bench.h declares them; that header is C alone.
extern "C" {
struct st_bench_crew;
typedef void st_bench_job(void *argument, int32_t worker, int32_t workers);
st_bench_crew *st_bench_crew_start(int32_t threads);
void st_bench_crew_stop(st_bench_crew *crew);
double st_bench_crew_run(st_bench_crew *crew, int32_t workers, st_bench_job *job, void *argument);
double st_bench_read(st_bench_crew *crew, int32_t threads, const void *memory, size_t bytes, int64_t repeats);
}

namespace {

enum Peer { NTH_ELEMENT, PARTIAL_SORT, VQSORT, PEERS };
enum Way { PACKED, PERMUTATION, COPY, LONGER };

struct Job {
    int32_t peer, descending;
    int64_t rows, cols, k, repeats;
    const unsigned char *input;
    unsigned char *values;
    int64_t *indices;
    unsigned char *scratch;
    size_t scratch_each;
    void (*rows_of)(const Job &job, int64_t first, int64_t last, unsigned char *scratch);
};

// ---- keys: integers that order as the elements do; -0 as +0; the data has no NaN ------------------------------------

enum class Form { REAL, SIGNED, UNSIGNED };

template <typename Bits, Form form> Bits key_of(Bits bits) {
    constexpr Bits sign = static_cast<Bits>(Bits{1} << (std::numeric_limits<Bits>::digits - 1));
    if (form == Form::UNSIGNED) return bits;
    if (form == Form::SIGNED) return static_cast<Bits>(bits ^ sign);
    // Without branches: signs are random, and a processor guesses half of them wrong.
    const Bits some = static_cast<Bits>(-static_cast<Bits>((bits & static_cast<Bits>(~sign)) != 0));
    const Bits canonical = static_cast<Bits>(bits & some);
    const Bits negative = static_cast<Bits>(-static_cast<Bits>((canonical & sign) != 0));
    return static_cast<Bits>(canonical ^ static_cast<Bits>(negative | sign));
}

// A 64-bit key and its index.
#if defined(ST_PEERS_HIGHWAY)
using Wide = hwy::uint128_t; // its sort compares hi, then lo
inline Wide make_wide(uint64_t key, uint64_t index) {
    Wide wide;
    wide.lo = index;
    wide.hi = key;
    return wide;
}
#else
struct alignas(16) Wide {
    uint64_t lo, hi;
};
inline Wide make_wide(uint64_t key, uint64_t index) { return Wide{index, key}; }
#endif

struct WideLess {
    bool operator()(const Wide &a, const Wide &b) const { return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo; }
};

// How a key and an index share one word: the narrowest that holds both sorts fastest.
template <typename Bits, typename Word> struct Packing {
    static constexpr int index_bits = 8 * static_cast<int>(sizeof(Word) - sizeof(Bits));
    using Less = std::less<Word>;
    static Word pack(Bits key, int64_t index) {
        return static_cast<Word>(static_cast<Word>(key) << index_bits | static_cast<Word>(index));
    }
    static int64_t index(Word word) { return static_cast<int64_t>(word & ((Word{1} << index_bits) - 1)); }
};
template <typename Bits> struct Packing<Bits, Wide> {
    using Less = WideLess;
    static Wide pack(Bits key, int64_t index) { return make_wide(key, static_cast<uint64_t>(index)); }
    static int64_t index(const Wide &word) { return static_cast<int64_t>(word.lo); }
};

template <typename Bits> void take(const Job &job, const unsigned char *row, int64_t at, int64_t index) {
    job.indices[at] = index;
    std::memcpy(job.values + static_cast<size_t>(at) * sizeof(Bits), row + static_cast<size_t>(index) * sizeof(Bits),
                sizeof(Bits));
}

// ---- the selections -------------------------------------------------------------------------------------------------

template <typename Item, typename Less> void select_first(int32_t peer, Item *items, int64_t count, int64_t k, Less less) {
    if (peer == PARTIAL_SORT) {
        std::partial_sort(items, items + k, items + count, less);
    } else {
        std::nth_element(items, items + (k - 1), items + count, less);
        std::sort(items, items + (k - 1), less);
    }
}

#if defined(ST_PEERS_HIGHWAY)
// Highway learnt to sort no more than the first k in version 1.2.
template <typename Word> void sort_first(Word *words, size_t count, size_t k) {
#if HWY_MAJOR > 1 || (HWY_MAJOR == 1 && HWY_MINOR >= 2)
    hwy::VQPartialSort(words, count, k, hwy::SortAscending());
#else
    static thread_local hwy::Sorter sorter;
    static_cast<void>(k);
    sorter(words, count, hwy::SortAscending());
#endif
}
#endif

template <typename Bits, Form form, typename Word>
void rows_packed(const Job &job, int64_t first, int64_t last, unsigned char *scratch) {
    using Pack = Packing<Bits, Word>;
    Word *words = reinterpret_cast<Word *>(scratch);
    const Bits flip = job.descending ? static_cast<Bits>(~Bits{0}) : Bits{0};
    const int64_t cols = job.cols; // a word written could be the job's, for all the compiler knows
    for (int64_t r = first; r < last; r++) {
        const unsigned char *row = job.input + static_cast<size_t>(r * cols) * sizeof(Bits);
        for (int64_t i = 0; i < cols; i++) {
            Bits bits;
            std::memcpy(&bits, row + static_cast<size_t>(i) * sizeof(Bits), sizeof bits);
            words[i] = Pack::pack(static_cast<Bits>(key_of<Bits, form>(bits) ^ flip), i);
        }
#if defined(ST_PEERS_HIGHWAY)
        if (job.peer == VQSORT) {
            sort_first(words, static_cast<size_t>(cols), static_cast<size_t>(job.k));
        } else
#endif
        {
            select_first(job.peer, words, cols, job.k, typename Pack::Less());
        }
        for (int64_t i = 0; i < job.k; i++) {
            take<Bits>(job, row, r * job.k + i, Pack::index(words[i]));
        }
    }
}

// Indices alone are moved, and elements compared where they lie.
template <typename Bits, Form form>
void rows_permuted(const Job &job, int64_t first, int64_t last, unsigned char *scratch) {
    uint32_t *order = reinterpret_cast<uint32_t *>(scratch);
    const Bits flip = job.descending ? static_cast<Bits>(~Bits{0}) : Bits{0};
    for (int64_t r = first; r < last; r++) {
        const unsigned char *row = job.input + static_cast<size_t>(r * job.cols) * sizeof(Bits);
        const auto key = [row, flip](uint32_t index) {
            Bits bits;
            std::memcpy(&bits, row + static_cast<size_t>(index) * sizeof(Bits), sizeof bits);
            return static_cast<Bits>(key_of<Bits, form>(bits) ^ flip);
        };
        std::iota(order, order + job.cols, 0u);
        select_first(job.peer, order, job.cols, job.k, [&key](uint32_t a, uint32_t b) {
            const Bits left = key(a), right = key(b);
            return left != right ? left < right : a < b;
        });
        for (int64_t i = 0; i < job.k; i++) {
            take<Bits>(job, row, r * job.k + i, order[i]);
        }
    }
}

// Packs the elements of a row as they are read, so that no array of all of them is written.
template <typename Bits, Form form, typename Word> struct PackingIterator {
    using iterator_category = std::input_iterator_tag;
    using value_type = Word;
    using difference_type = std::ptrdiff_t;
    using pointer = const Word *;
    using reference = Word;
    const unsigned char *row;
    int64_t at;
    Bits flip;
    Word operator*() const {
        Bits bits;
        std::memcpy(&bits, row + static_cast<size_t>(at) * sizeof(Bits), sizeof bits);
        return Packing<Bits, Word>::pack(static_cast<Bits>(key_of<Bits, form>(bits) ^ flip), at);
    }
    PackingIterator &operator++() {
        at++;
        return *this;
    }
    PackingIterator operator++(int) {
        const PackingIterator before = *this;
        at++;
        return before;
    }
    bool operator==(const PackingIterator &other) const { return at == other.at; }
    bool operator!=(const PackingIterator &other) const { return at != other.at; }
};

template <typename Bits, Form form, typename Word>
void rows_copied(const Job &job, int64_t first, int64_t last, unsigned char *scratch) {
    using Pack = Packing<Bits, Word>;
    using Iterator = PackingIterator<Bits, form, Word>;
    Word *kept = reinterpret_cast<Word *>(scratch);
    const Bits flip = job.descending ? static_cast<Bits>(~Bits{0}) : Bits{0};
    for (int64_t r = first; r < last; r++) {
        const unsigned char *row = job.input + static_cast<size_t>(r * job.cols) * sizeof(Bits);
        std::partial_sort_copy(Iterator{row, 0, flip}, Iterator{row, job.cols, flip}, kept, kept + job.k,
                               typename Pack::Less());
        for (int64_t i = 0; i < job.k; i++) {
            take<Bits>(job, row, r * job.k + i, Pack::index(kept[i]));
        }
    }
}

// ---- which of them a case needs -------------------------------------------------------------------------------------

struct Chosen {
    void (*rows_of)(const Job &job, int64_t first, int64_t last, unsigned char *scratch);
    size_t item; // bytes of scratch an element; 0: this way cannot take the case
};

template <typename Bits, Form form, typename Word> Chosen choose_word(int32_t way) {
    return {way == COPY ? rows_copied<Bits, form, Word> : rows_packed<Bits, form, Word>, sizeof(Word)};
}

template <typename Bits, Form form> Chosen choose(int32_t way, int64_t cols) {
    if (way == PERMUTATION) return {rows_permuted<Bits, form>, cols <= int64_t{1} << 32 ? sizeof(uint32_t) : 0};
    if (way == LONGER && sizeof(Bits) > 2) return {nullptr, 0}; // PACKED is the same
    if constexpr (sizeof(Bits) <= 2) {
        if (way != LONGER && cols <= int64_t{1} << (32 - 8 * sizeof(Bits))) return choose_word<Bits, form, uint32_t>(way);
    }
    if constexpr (sizeof(Bits) <= 4) {
        if (cols <= int64_t{1} << 32) return choose_word<Bits, form, uint64_t>(way);
    }
    return choose_word<Bits, form, Wide>(way);
}

Chosen choose_for(const char *dtype, int32_t way, int64_t cols, size_t *size) {
    const struct {
        const char *name;
        size_t size;
        Chosen (*choose)(int32_t way, int64_t cols);
    } all[] = {
        {"f32", 4, choose<uint32_t, Form::REAL>},     {"f64", 8, choose<uint64_t, Form::REAL>},
        {"f16", 2, choose<uint16_t, Form::REAL>},     {"bf16", 2, choose<uint16_t, Form::REAL>},
        {"i8", 1, choose<uint8_t, Form::SIGNED>},     {"u8", 1, choose<uint8_t, Form::UNSIGNED>},
        {"i16", 2, choose<uint16_t, Form::SIGNED>},   {"u16", 2, choose<uint16_t, Form::UNSIGNED>},
        {"i32", 4, choose<uint32_t, Form::SIGNED>},   {"u32", 4, choose<uint32_t, Form::UNSIGNED>},
        {"i64", 8, choose<uint64_t, Form::SIGNED>},   {"u64", 8, choose<uint64_t, Form::UNSIGNED>},
    };
    for (const auto &one : all) {
        if (std::strcmp(one.name, dtype) == 0) {
            *size = one.size;
            return one.choose(way, cols);
        }
    }
    return {nullptr, 0};
}

void run_part(void *argument, int32_t worker, int32_t workers) {
    const Job &job = *static_cast<const Job *>(argument);
    const int64_t share = job.rows / workers;
    const int64_t rest = job.rows % workers;
    const int64_t first = share * worker + std::min<int64_t>(worker, rest);
    const int64_t last = first + share + (worker < rest ? 1 : 0);
    for (int64_t i = 0; i < job.repeats; i++) {
        job.rows_of(job, first, last, job.scratch + static_cast<size_t>(worker) * job.scratch_each);
    }
}

// One crew for all calls, as large as any of them needed; calls come one at a time, from one thread.
st_bench_crew *crew_of(int32_t threads) {
    static st_bench_crew *crew = nullptr;
    static int32_t size = 0;
    if (threads > size) {
        st_bench_crew_stop(crew);
        crew = st_bench_crew_start(threads);
        size = crew ? threads : 0;
    }
    return crew;
}

// Memory for the words, kept between calls: it is set up outside of the timing, as the library's is.
unsigned char *scratch_of(size_t bytes) {
    static std::unique_ptr<unsigned char[]> memory;
    static size_t held = 0;
    if (bytes > held) {
        memory.reset();
        held = 0;
        memory.reset(new (std::nothrow) unsigned char[bytes + 64]);
        held = memory ? bytes : 0;
    }
    const size_t past = memory ? reinterpret_cast<uintptr_t>(memory.get()) % 64 : 0;
    return memory ? memory.get() + (past ? 64 - past : 0) : nullptr;
}

} // namespace

#define ST_TEXT_OF(x) #x
#define ST_TEXT(x) ST_TEXT_OF(x)

// "nth_element", "partial_sort", "vqsort"; NULL beyond.
ST_PEERS_API const char *st_peers_name(int32_t peer) {
    static const char *const names[PEERS] = {"nth_element", "partial_sort", "vqsort"};
    return peer >= 0 && peer < PEERS ? names[peer] : nullptr;
}

// NULL where this library was built without it.
ST_PEERS_API const char *st_peers_version(int32_t peer) {
    if (peer == VQSORT) {
#if defined(ST_PEERS_HIGHWAY)
        return "Highway " ST_PEERS_HIGHWAY;
#else
        return nullptr;
#endif
    }
#if defined(_GLIBCXX_RELEASE)
    return "libstdc++ " ST_TEXT(_GLIBCXX_RELEASE);
#else
    return "C++ library";
#endif
}

struct Described {
    Way way;
    const char *how;
};

static const Described *way_at(int32_t peer, int32_t position) {
    static const Described ways[PEERS][3] = {
        {{PACKED, "packed (key, index) words"}, {PERMUTATION, "permutation of indices"}, {PACKED, nullptr}},
        {{PACKED, "packed (key, index) words"},
         {PERMUTATION, "permutation of indices"},
         {COPY, "partial_sort_copy of words packed as they are read"}},
        // Not every processor that has the instructions of the sort of 32-bit words is quick at them.
        {{PACKED, "sort of packed (key, index) words"}, {LONGER, "sort of packed words of 64 bits"}, {PACKED, nullptr}},
    };
    if (peer < 0 || peer >= PEERS || position < 0 || position >= 3 || !st_peers_version(peer)) return nullptr;
    return ways[peer][position].how ? &ways[peer][position] : nullptr;
}

// What the way at a position is, for the one who reads the results; NULL beyond the peer's last.
ST_PEERS_API const char *st_peers_way(int32_t peer, int32_t position) {
    const Described *way = way_at(peer, position);
    return way ? way->how : nullptr;
}

// Nanoseconds of one pass that only reads; negative where the threads cannot be had.
ST_PEERS_API double st_peers_read(int32_t threads, const void *memory, size_t bytes, int64_t repeats) {
    st_bench_crew *crew = crew_of(threads);
    return crew ? st_bench_read(crew, threads, memory, bytes, repeats) : -1;
}

// Threads that st_peers_run uses: rows are what is shared out.
ST_PEERS_API int32_t st_peers_threads(int64_t rows, int32_t threads) {
    return rows < threads ? static_cast<int32_t>(rows) : threads;
}

// Nanoseconds of one selection, the mean of `repeats`; -1: memory or threads cannot be had; -2: not for this case.
ST_PEERS_API double st_peers_run(int32_t peer, int32_t position, int32_t descending, const char *dtype, int64_t rows, int64_t cols,
                                 int64_t k, int32_t threads, const void *input, void *values, int64_t *indices,
                                 int64_t repeats) {
    size_t size = 0;
    const Described *way = way_at(peer, position);
    const Chosen chosen = way ? choose_for(dtype, way->way, cols, &size) : Chosen{nullptr, 0};
    if (chosen.item == 0 || rows < 1 || cols < 1 || k < 1 || k > cols) return -2;
    size_t each, all;
    const int32_t workers = st_peers_threads(rows, threads);
    if (__builtin_mul_overflow(static_cast<size_t>(cols), chosen.item, &each) || each > SIZE_MAX - 64 ||
        __builtin_mul_overflow((each + 63) / 64 * 64, static_cast<size_t>(workers), &all)) {
        return -1;
    }
    st_bench_crew *crew = crew_of(threads);
    unsigned char *scratch = scratch_of(all);
    if (!crew || !scratch) return -1;
    Job job = {peer, descending, rows, cols, k, repeats, static_cast<const unsigned char *>(input),
               static_cast<unsigned char *>(values), indices, scratch, (each + 63) / 64 * 64, chosen.rows_of};
    return st_bench_crew_run(crew, workers, run_part, &job) / static_cast<double>(repeats);
}
