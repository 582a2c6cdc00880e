// SPDX-License-Identifier: AGPL-3.0-or-later
// keys_two.wgsl - elements of 64 bits and their keys, in two words: x the high one, y the low one.

const KEY_WORDS = 2u;

alias Element = vec2<u32>;
alias Key = vec2<u32>;

// The bits of the element at an element's offset in the input.
fn element_at(at: u32) -> Element {
    return vec2(input[at * 2u + 1u], input[at * 2u]);
}

// Constants in the numbers have their low word first.
fn is_nan(bits: Element) -> bool {
    return key_before(numbers.infinity.yx, vec2(bits.x & 0x7fffffffu, bits.y));
}

// The key of an element's bits, as st_key_of has it. Without branches: lanes stay together.
fn key_of(bits: Element) -> Key {
    let plain = select(bits, vec2(0u), key_equal(bits, numbers.negative_zero.yx));
    let key = plain ^ (vec2(0u - (plain.x >> 31u)) & numbers.negative_fill.yx) ^ numbers.flip.yx;
    return select(key, numbers.nan_key.yx, is_nan(bits));
}

fn key_before(a: Key, b: Key) -> bool {
    return (a.x < b.x) | ((a.x == b.x) & (a.y < b.y)); // || and && would be branches
}

fn key_equal(a: Key, b: Key) -> bool {
    return all(a == b);
}

fn key_word(key: Key, word: u32) -> u32 {
    return select(key.y, key.x, word == 0u);
}

fn key_of_words(high: u32, low: u32) -> Key {
    return vec2(high, low);
}

// Whether the first words of two keys, so many, are the same.
fn key_agrees(a: Key, b: Key, words: u32) -> bool {
    return words == 0u || (a.x == b.x && (words == 1u || a.y == b.y));
}

// The 8-bit digit of a key, counted from its leading one.
fn key_digit(key: Key, digit: u32) -> u32 {
    return (select(key.y, key.x, digit < 4u) >> (24u - (digit % 4u) * 8u)) & 0xffu;
}

// Whether the first digits of two keys, so many, are the same.
fn key_leads(a: Key, b: Key, digits: u32) -> bool {
    let differ = a ^ b;
    let high = min(digits, 4u);
    let low = digits - high;
    return (high == 0u || differ.x >> (32u - high * 8u) == 0u) && (low == 0u || differ.y >> (32u - low * 8u) == 0u);
}

fn key_with_digit(key: Key, digit: u32, value: u32) -> Key {
    let placed = value << (24u - (digit % 4u) * 8u);
    return key | select(vec2(0u, placed), vec2(placed, 0u), digit < 4u);
}

// A bound: entries up to (key, index), that one among them.
struct Bound {
    key: Key,
    index: u32,
}

fn bound_everything() -> Bound {
    return Bound(vec2(0xffffffffu), 0xffffffffu);
}

fn bound_of(key: Key, index: u32) -> Bound {
    return Bound(key, index);
}

// Whether an element's key may be within the bound; no element within it is missed.
fn element_within(bits: Element, bound: Bound) -> bool {
    return !key_before(bound.key, key_of(bits));
}

fn value_store(at: u32, bits: Element) {
    atomicStore(&values[at * 2u], bits.y);
    atomicStore(&values[at * 2u + 1u], bits.x);
}

// Keys in scratch: a plane of high words, then one of low words.
fn key_load(at: u32) -> Key {
    return vec2(scratch[at], scratch[at + numbers.plane]);
}

fn key_store(at: u32, key: Key) {
    scratch[at] = key.x;
    scratch[at + numbers.plane] = key.y;
}
