# Read by CMake on entering llama.cpp; start.py and packaging/build.py name it in CMAKE_PROJECT_llama.cpp_INCLUDE.

# The library shared by llama.cpp's programs is half of the build.
set(LLAMA_BUILD_COMMON OFF)

# Included at the beginning of every C file.
if(MSVC)
    string(APPEND CMAKE_C_FLAGS " /FI\"${CMAKE_CURRENT_LIST_DIR}/exact_batches.h\"")
else()
    string(APPEND CMAKE_C_FLAGS " -include \"${CMAKE_CURRENT_LIST_DIR}/exact_batches.h\"")
endif()
