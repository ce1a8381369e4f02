# The two kinds of target of this project: a room (static library) and an engine (shared object).

add_library(rb_flags INTERFACE)
target_include_directories(rb_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(rb_flags INTERFACE
  -Wall -Wextra -Wshadow $<$<COMPILE_LANGUAGE:C>:-Wconversion>
  -ffp-contract=off # the same bits on every machine: no multiply-add where the source has none
  $<$<BOOL:${RESBENCH_WERROR}>:-Werror>)
target_compile_definitions(rb_flags INTERFACE _GNU_SOURCE RB_VERSION="${PROJECT_VERSION}")
if(RESBENCH_SANITIZE)
  target_compile_options(rb_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(rb_flags INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(rb_flags INTERFACE RB_SANITIZED)
endif()
if(RESBENCH_FUZZ)
  target_compile_options(rb_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(rb_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# rb_add_room(<name> <sources>...): static library rb_<name>; headers are included as "<room>/x.h".
function(rb_add_room name)
  add_library(rb_${name} STATIC ${ARGN})
  target_include_directories(rb_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(rb_${name} PUBLIC rb_flags)
endfunction()

# rb_find_libraries_beside(<target> <directory>): libraries that are installed along are found there, also
# by the libraries themselves, which DT_RUNPATH would not do.
function(rb_find_libraries_beside target directory)
  set_target_properties(${target} PROPERTIES INSTALL_RPATH ${directory})
  target_link_options(${target} PRIVATE LINKER:--disable-new-dtags)
endfunction()

# rb_add_engine(<name> <sources>...): shared object <name>.so that sees the public headers only.
function(rb_add_engine name)
  add_library(engine_${name} MODULE ${ARGN})
  set_target_properties(engine_${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${RESBENCH_ENGINE_DIR})
  rb_find_libraries_beside(engine_${name} \$ORIGIN/engines-libs)
  target_link_libraries(engine_${name} PRIVATE rb_flags)
endfunction()
