// SPDX-License-Identifier: AGPL-3.0-or-later
// keys_one.wgsl - elements of 8, 16 and 32 bits, and their keys, in one word.

const KEY_WORDS = 1u;
const MASK = 0xffffffffu >> (32u - BITS);
const PER_WORD = 32u / BITS;

alias Element = u32;
alias Key = u32;

// The bits of the element at an element's offset in the input.
fn element_at(at: u32) -> Element {
    if (BITS == 32u) {
        return input[at];
    }
    return (input[at / PER_WORD] >> ((at % PER_WORD) * BITS)) & MASK;
}

fn is_nan(bits: Element) -> bool {
    return (bits & (MASK >> 1u)) > numbers.infinity.x;
}

// The key of an element's bits, as st_key_of has it. Without branches: lanes stay together.
fn key_of(bits: Element) -> Key {
    let plain = select(bits, 0u, bits == numbers.negative_zero.x);
    let key = plain ^ ((0u - (plain >> (BITS - 1u))) & numbers.negative_fill.x) ^ numbers.flip.x;
    return select(key, numbers.nan_key.x, is_nan(bits));
}

fn key_before(a: Key, b: Key) -> bool {
    return a < b;
}

fn key_equal(a: Key, b: Key) -> bool {
    return a == b;
}

fn key_word(key: Key, word: u32) -> u32 {
    return key;
}

fn key_of_words(high: u32, low: u32) -> Key {
    return high;
}

// Whether the first words of two keys, so many, are the same.
fn key_agrees(a: Key, b: Key, words: u32) -> bool {
    return words == 0u || a == b;
}

// The 8-bit digit of a key, counted from its leading one.
fn key_digit(key: Key, digit: u32) -> u32 {
    return (key >> (BITS - 8u - digit * 8u)) & 0xffu;
}

// Whether the first digits of two keys, so many, are the same.
fn key_leads(a: Key, b: Key, digits: u32) -> bool {
    return digits == 0u || ((a ^ b) & MASK) >> (BITS - digits * 8u) == 0u;
}

fn key_with_digit(key: Key, digit: u32, value: u32) -> Key {
    return key | (value << (BITS - 8u - digit * 8u));
}

// A bound: entries up to (key, index), that one among them. Whether an element can be within it is seen from its folded
// bits alone (st_order_range derives the range): four operations, where a whole key takes more than a dozen.
struct Bound {
    key: Key,
    index: u32,
    start: u32,
    width: u32,
}

fn bound_everything() -> Bound {
    return Bound(MASK, 0xffffffffu, 0u, MASK);
}

fn bound_of(key: Key, index: u32) -> Bound {
    let descending = (numbers.flip.x & 1u) != 0u;
    let nan_first = numbers.nan_key.x == 0u;
    var start = 0u;
    var end = key;
    if (numbers.negative_zero.x != 0u) {
        let zero = numbers.flip.x;
        let minus_zero = select(zero - 1u, zero + 1u, descending);
        let plus = numbers.infinity.x ^ numbers.flip.x;
        let minus = (numbers.infinity.x | numbers.negative_zero.x) ^ numbers.negative_fill.x ^ numbers.flip.x;
        let first = min(plus, minus);
        let last = max(plus, minus);
        let nan = numbers.nan_key.x <= key;
        start = first;
        end = min(end, last);
        if (descending && end == zero) {
            end = minus_zero;
        } else if (!descending && end == minus_zero) {
            end -= 1u;
        }
        let number = start <= end;
        if (nan && (!number || nan_first)) {
            start = last + 1u;
        }
        if (nan && (!number || !nan_first)) {
            end = first - 1u;
        }
    }
    return Bound(key, index, (select(start, end, descending) ^ numbers.flip.x) & MASK, (end - start) & MASK);
}

// Whether an element's key may be within the bound; no element within it is missed.
fn element_within(bits: Element, bound: Bound) -> bool {
    let folded = bits ^ ((0u - (bits >> (BITS - 1u))) & numbers.negative_fill.x);
    return ((folded - bound.start) & MASK) <= bound.width;
}

// Values of 8 and 16 bits share words with their neighbours, which other threads write: only their own bits change.
fn value_store(at: u32, bits: Element) {
    if (BITS == 32u) {
        atomicStore(&values[at], bits);
        return;
    }
    let shift = (at % PER_WORD) * BITS;
    atomicAnd(&values[at / PER_WORD], ~(MASK << shift));
    atomicOr(&values[at / PER_WORD], bits << shift);
}

// Keys in scratch: one plane of words.
fn key_load(at: u32) -> Key {
    return scratch[at];
}

fn key_store(at: u32, key: Key) {
    scratch[at] = key;
}
