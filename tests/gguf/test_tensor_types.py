"""The tables of types, against the ones that llama.cpp's own Python package carries."""

from __future__ import annotations

import gguf

from model_manager.gguf.tensor_types import FILE_TYPES, REMOVED_TENSOR_TYPES, TENSOR_TYPES


def test_every_type_that_llama_cpp_s_package_knows_has_the_same_name_and_block() -> None:
    for number, (values, n_bytes) in gguf.GGML_QUANT_SIZES.items():
        # The package describes Q8_1, which is in no file, as it was when its two scales were still of four bytes each.
        if int(number) in REMOVED_TENSOR_TYPES or number.name == "Q8_1":
            continue
        ours = TENSOR_TYPES[int(number)]
        assert (ours.name, ours.block_values, ours.block_bytes) == (number.name, values, n_bytes)


def test_the_types_that_are_newer_than_the_package() -> None:
    assert (TENSOR_TYPES[39].name, TENSOR_TYPES[39].block_bytes) == ("MXFP4", 1 + 16)
    assert (TENSOR_TYPES[40].name, TENSOR_TYPES[40].block_bytes) == ("NVFP4", 4 + 32)
    assert (TENSOR_TYPES[41].name, TENSOR_TYPES[41].block_bytes) == ("Q1_0", 2 + 16)
    assert (TENSOR_TYPES[42].name, TENSOR_TYPES[42].block_bytes) == ("Q2_0", 2 + 16)


def test_no_number_is_both_readable_and_removed() -> None:
    assert not TENSOR_TYPES.keys() & REMOVED_TENSOR_TYPES.keys()
    assert sorted(TENSOR_TYPES.keys() | REMOVED_TENSOR_TYPES.keys()) == list(range(43))


def test_every_quantisation_has_the_name_that_llama_cpp_gives_it() -> None:
    for each in gguf.LlamaFileType:
        name = each.name.removeprefix("ALL_").removeprefix("MOSTLY_")
        if each.name != "GUESSED" and int(each) in FILE_TYPES:
            assert FILE_TYPES[int(each)] == name
    assert {FILE_TYPES[number] for number in (3, 10, 23, 12, 15)} == {"Q4_1", "Q2_K", "IQ3_XXS", "Q3_K_M", "Q4_K_M"}
