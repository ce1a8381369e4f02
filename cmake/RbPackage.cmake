# cpack: one archive for a machine without a network, which needs nothing but a C library.
set(RESBENCH_PACK_NETWORKS resnet18 resnet20 CACHE STRING "Networks whose synthetic weights (seed 1) go into the archive")
set(RESBENCH_PACK_WEIGHTS "" CACHE STRING "Weights files that go into the archive")

file(STRINGS loaders/weights_file.h schema REGEX "^#define RB_WEIGHTS_SCHEMA [0-9]+$")
string(REGEX MATCH "[0-9]+$" schema "${schema}")
set(weights_dir ${CMAKE_INSTALL_DATADIR}/resbench/weights)
foreach(network IN LISTS RESBENCH_PACK_NETWORKS)
  # Under the name by which bench/weights_source.c looks for it.
  install(CODE "
    set(directory \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${weights_dir}\")
    file(MAKE_DIRECTORY \"\${directory}\")
    execute_process(COMMAND \"$<TARGET_FILE:resbench>\" weights synth ${network} --seed 1
      -o \"\${directory}/${network}-seed1-schema${schema}.h5\" COMMAND_ERROR_IS_FATAL ANY)"
    COMPONENT portable EXCLUDE_FROM_ALL)
endforeach()
if(RESBENCH_PACK_WEIGHTS)
  install(FILES ${RESBENCH_PACK_WEIGHTS} DESTINATION ${weights_dir} COMPONENT portable EXCLUDE_FROM_ALL)
endif()

# The licences of the libraries that come along: the distribution's, or those beside a library from elsewhere.
get_target_property(dnnl_library DNNL::dnnl LOCATION)
install(CODE "set(licences \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DOCDIR}/licences\")
  set(libraries \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/resbench\")
  set(dnnl_library \"${dnnl_library}\")"
  COMPONENT portable EXCLUDE_FROM_ALL)
install(SCRIPT cmake/install-licences.cmake COMPONENT portable EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR TGZ)
string(TOLOWER ${CMAKE_SYSTEM_NAME} system)
set(CPACK_PACKAGE_FILE_NAME resbench-${PROJECT_VERSION}-${system}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_CMAKE_PROJECTS
  "${PROJECT_BINARY_DIR};resbench;ALL;/;${PROJECT_BINARY_DIR};resbench;portable;/")
include(CPack)
