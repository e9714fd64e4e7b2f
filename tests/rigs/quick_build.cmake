# Compiles the engine of the tests in less time: only what computes on the CPU is optimised.
# Read at the beginning of the project by CMAKE_PROJECT_llama_cpp_INCLUDE, done when its targets are there.
function(quicken)
    foreach(target llama mtmd ggml-vulkan ggml-rpc)
        if(TARGET ${target})
            target_compile_options(${target} PRIVATE $<IF:$<STREQUAL:${target},llama>,-O1,-O0>)
        endif()
    endforeach()
endfunction()
cmake_language(DEFER CALL quicken)
