/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* jax_topk.cc - TopK along the last axis as a custom call of XLA, on the host: what jax_topk.py compiles and registers. */
#include <cstdint>
#include <string>

#include <spiraltorch/spiraltorch.h>
#include <xla/ffi/api/ffi.h>

namespace ffi = xla::ffi;

namespace {

/* 0 for what is no dtype here, such as bool, which st_rank refuses by name. */
st_dtype dtype_of(ffi::DataType type) {
    switch (type) {
    case ffi::DataType::F32: return ST_F32;
    case ffi::DataType::F64: return ST_F64;
    case ffi::DataType::F16: return ST_F16;
    case ffi::DataType::BF16: return ST_BF16;
    case ffi::DataType::S8: return ST_I8;
    case ffi::DataType::U8: return ST_U8;
    case ffi::DataType::S16: return ST_I16;
    case ffi::DataType::U16: return ST_U16;
    case ffi::DataType::S32: return ST_I32;
    case ffi::DataType::U32: return ST_U32;
    case ffi::DataType::S64: return ST_I64;
    case ffi::DataType::U64: return ST_U64;
    default: return 0;
    }
}

ffi::Error failure(st_status status) {
    const std::string message = std::string(st_status_name(status)) + ": " + st_last_message();
    return status == ST_E_ARGUMENT ? ffi::Error::InvalidArgument(message) : ffi::Error::Internal(message);
}

ffi::Error top_k(ffi::AnyBuffer x, ffi::Result<ffi::AnyBuffer> values, ffi::ResultBuffer<ffi::S32> indices, bool largest) {
    static st_context *context;
    static const st_status made = st_context_create(nullptr, &context); /* once, whichever of XLA's threads comes first */
    if (made != ST_OK) return failure(made);

    const auto shape = x.dimensions();
    if (shape.size() == 0) return ffi::Error::InvalidArgument("x has no axis; top_k needs one");
    int64_t rows = 1;
    for (size_t axis = 0; axis + 1 < shape.size(); axis++) rows *= shape[axis];

    st_rank_request request;
    st_rank_request_init(&request, largest ? ST_TOPK : ST_BOTTOMK, rows, shape.back(), values->dimensions().back());
    request.dtype = dtype_of(x.element_type());
    request.index_dtype = ST_I32;
    st_rank_buffers buffers = {};
    buffers.struct_size = sizeof buffers;
    buffers.input = x.untyped_data();
    buffers.values = values->untyped_data();
    buffers.indices = indices->untyped_data();
    const st_status status = st_rank(context, &request, &buffers);
    return status == ST_OK ? ffi::Error::Success() : failure(status);
}

} // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(spiraltorch_top_k, top_k,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Ret<ffi::Buffer<ffi::S32>>()
                                  .Attr<bool>("largest"));
