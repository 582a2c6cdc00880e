/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * knn_fashion.c - names the clothes on pictures by their nearest neighbours: distances by OpenBLAS, the nearest by one
 * BottomK call, then a vote. Prints how often the vote is right, and the selection's time beside one read of its input.
 *
 *     knn_fashion [FOLDER with the four Fashion-MNIST files] [TESTS]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cblas.h>

#include "idx_images.h"
#include "spiraltorch/spiraltorch.h"

enum { NEIGHBOURS = 10, CLASSES = 10, REPEATS = 5 };

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int by_value(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *times) {
    qsort(times, REPEATS, sizeof *times, by_value);
    return times[REPEATS / 2];
}

static float square_length(const float *image, size_t pixels) {
    float sum = 0;
    for (size_t i = 0; i < pixels; i++) sum += image[i] * image[i];
    return sum;
}

/* distances[t][r] = |test t - train r|^2 = |t|^2 - 2 t.r + |r|^2: a matrix product, then a sum in place. */
static void all_distances(const idx_set *test, const idx_set *train, float *train_lengths, float *distances) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)test->count, (int)train->count, (int)test->pixels, -2.0f,
                test->images, (int)test->pixels, train->images, (int)train->pixels, 0.0f, distances, (int)train->count);
    for (size_t r = 0; r < train->count; r++)
        train_lengths[r] = square_length(train->images + r * train->pixels, train->pixels);
    for (size_t t = 0; t < test->count; t++) {
        const float length = square_length(test->images + t * test->pixels, test->pixels);
        float *row = distances + t * train->count;
        for (size_t r = 0; r < train->count; r++) row[r] += length + train_lengths[r];
    }
}

/* The class that most neighbours have; the one with the nearest neighbour where two are level. */
static unsigned vote(const int64_t *neighbours, const unsigned char *labels) {
    unsigned counts[CLASSES] = {0}, best = labels[neighbours[0]] % CLASSES;
    for (int i = 0; i < NEIGHBOURS; i++) counts[labels[neighbours[i]] % CLASSES]++;
    for (int i = 0; i < NEIGHBOURS; i++) {
        const unsigned class = labels[neighbours[i]] % CLASSES;
        if (counts[class] > counts[best]) best = class;
    }
    return best;
}

typedef struct part {
    const unsigned char *from;
    size_t bytes;
    uint64_t sum;
} part;

static void *read_part(void *argument) {
    part *mine = argument;
    uint64_t sums[8] = {0};
    for (size_t at = 0; at + sizeof sums <= mine->bytes; at += sizeof sums) {
        uint64_t words[8];
        memcpy(words, mine->from + at, sizeof words);
        for (int i = 0; i < 8; i++) sums[i] += words[i];
    }
    for (int i = 0; i < 8; i++) mine->sum ^= sums[i];
    return NULL;
}

static volatile uint64_t witness; /* takes the sum of a read, so that no compiler leaves the reading out */

/* Reads every byte once, with as many threads as the selection. */
static void read_once(const void *memory, size_t bytes, int threads) {
    enum { MOST = 64 };
    pthread_t handles[MOST];
    part parts[MOST];
    int started[MOST] = {0};
    uint64_t sum = 0;
    if (threads < 1) threads = 1;
    if (threads > MOST) threads = MOST;
    const size_t share = bytes / (size_t)threads;
    for (int i = 0; i < threads; i++) {
        const size_t from = share * (size_t)i;
        parts[i] = (part){(const unsigned char *)memory + from, i + 1 < threads ? share : bytes - from, 0};
        if (i + 1 < threads) started[i] = pthread_create(&handles[i], NULL, read_part, &parts[i]) == 0;
        if (!started[i]) read_part(&parts[i]);
    }
    for (int i = 0; i < threads; i++) {
        if (started[i]) pthread_join(handles[i], NULL);
        sum ^= parts[i].sum;
    }
    witness = sum;
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : "/usr/share/datasets/fashion-mnist";
    const long tests = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
    static const char *const names[4] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                                         "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
    char paths[4][512];
    idx_set train = {0}, test = {0};
    float *distances = NULL, *lengths = NULL, *nearest = NULL;
    int64_t *neighbours = NULL;
    st_context *context = NULL;
    int status = 1;
    if (tests < 1 || tests > 10000) {
        fprintf(stderr, "knn_fashion: TESTS is %s: use 1 to 10000\n", argv[2]);
        return 2;
    }
    for (int i = 0; i < 4; i++) {
        const int length = snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
        if (length < 0 || length >= (int)sizeof paths[i]) {
            fprintf(stderr, "knn_fashion: FOLDER is too long a path\n");
            return 2;
        }
    }
    if (!idx_read(paths[0], paths[1], 60000, &train) || !idx_read(paths[2], paths[3], (size_t)tests, &test)) goto done;
    if (train.pixels != test.pixels || train.count < NEIGHBOURS) {
        fprintf(stderr, "knn_fashion: the two sets do not fit each other\n");
        goto done;
    }
    const size_t rows = test.count, cols = train.count, bytes = rows * cols * sizeof(float);
    distances = malloc(bytes);
    lengths = malloc(cols * sizeof *lengths);
    nearest = malloc(rows * NEIGHBOURS * sizeof *nearest);
    neighbours = malloc(rows * NEIGHBOURS * sizeof *neighbours);
    if (distances == NULL || lengths == NULL || nearest == NULL || neighbours == NULL) {
        fprintf(stderr, "knn_fashion: no memory for %zu x %zu distances\n", rows, cols);
        goto done;
    }
    if (st_context_create(NULL, &context) != ST_OK) goto failed;

    const double start = now_seconds();
    all_distances(&test, &train, lengths, distances);
    const double product = now_seconds() - start;

    const int threads = (int)st_context_threads(context);
    double select_times[REPEATS], read_times[REPEATS];
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        const double before = now_seconds();
        if (st_bottomk(context, ST_F32, distances, (int64_t)rows, (int64_t)cols, NEIGHBOURS, nearest, neighbours) !=
            ST_OK)
            goto failed;
        const double between = now_seconds();
        read_once(distances, bytes, threads);
        select_times[repeat] = between - before;
        read_times[repeat] = now_seconds() - between;
    }

    size_t right = 0;
    for (size_t t = 0; t < rows; t++) right += vote(neighbours + t * NEIGHBOURS, train.labels) == test.labels[t];
    const double select = median(select_times), read = median(read_times);
    printf("distances: %zu test images x %zu train images, %.0f MB, by OpenBLAS in %.0f ms\n", rows, cols,
           (double)bytes * 1e-6, product * 1e3);
    printf("selection: the %d nearest of each row in %.1f ms (%.1f GB/s, %d threads)\n", NEIGHBOURS, select * 1e3,
           (double)bytes * 1e-9 / select, threads);
    printf("one read:  the same bytes in %.1f ms (%.1f GB/s, %d threads)\n", read * 1e3, (double)bytes * 1e-9 / read,
           threads);
    printf("ratio:     selection / read = %.2f (medians of %d, in turns)\n", select / read, REPEATS);
    printf("accuracy:  %.3f (%zu of %zu right by a vote of %d neighbours)\n", (double)right / (double)rows, right, rows,
           NEIGHBOURS);
    status = 0;
    goto done;
failed:
    fprintf(stderr, "knn_fashion: %s\n", st_last_message());
done:
    st_context_destroy(context);
    free(distances);
    free(lengths);
    free(nearest);
    free(neighbours);
    idx_free(&train);
    idx_free(&test);
    return status;
}
