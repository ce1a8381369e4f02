# cmake --install: the program, its engines, what plug-ins are built against, scripts, examples, documents.
include(CMakePackageConfigHelpers)

set(engine_dir ${CMAKE_INSTALL_LIBDIR}/resbench)
set(share_dir ${CMAKE_INSTALL_DATADIR}/resbench)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/resbench)

install(TARGETS resbench RUNTIME_DEPENDENCY_SET of_program DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS engine_reference engine_oracle engine_onednn
  RUNTIME_DEPENDENCY_SET of_engines LIBRARY DESTINATION ${engine_dir})
install(TARGETS kernel_adapter null_engine RUNTIME_DEPENDENCY_SET of_engines LIBRARY DESTINATION ${engine_dir}/parts)

# Libraries from outside of the system's directories come along: what holds them may go away.
set(libc [[^ld-linux]] [[^lib(c|m|mvec|dl|pthread|rt|resolv|util|anl|nsl)\.so]])
foreach(user IN ITEMS program engines)
  # The engines have their own: none of them gets into the process of a plug-in.
  set(libs ${user}-libs)
  install(RUNTIME_DEPENDENCY_SET of_${user}
    PRE_EXCLUDE_REGEXES ${libc} POST_EXCLUDE_REGEXES [[^/lib]] [[^/usr/lib]]
    LIBRARY DESTINATION ${engine_dir}/${libs})
  # And for a machine that has nothing: all but the C library.
  install(RUNTIME_DEPENDENCY_SET of_${user}
    PRE_EXCLUDE_REGEXES ${libc}
    LIBRARY DESTINATION ${engine_dir}/${libs} COMPONENT portable EXCLUDE_FROM_ALL)
endforeach()

add_library(resbench_headers INTERFACE)
set_target_properties(resbench_headers PROPERTIES EXPORT_NAME headers)
target_include_directories(resbench_headers INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS resbench_headers EXPORT resbenchTargets)
install(EXPORT resbenchTargets NAMESPACE resbench:: DESTINATION ${config_dir})
install(DIRECTORY include/resbench DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)

set(RESBENCH_INSTALLED_PROGRAM ${CMAKE_INSTALL_BINDIR}/resbench)
set(RESBENCH_INSTALLED_ENGINES ${engine_dir})
configure_package_config_file(cmake/resbenchConfig.cmake.in ${PROJECT_BINARY_DIR}/package/resbenchConfig.cmake
  INSTALL_DESTINATION ${config_dir} PATH_VARS RESBENCH_INSTALLED_PROGRAM RESBENCH_INSTALLED_ENGINES)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/resbenchConfigVersion.cmake
  COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES
  ${PROJECT_BINARY_DIR}/package/resbenchConfig.cmake ${PROJECT_BINARY_DIR}/package/resbenchConfigVersion.cmake
  DESTINATION ${config_dir})

file(RELATIVE_PATH RESBENCH_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" RESBENCH_PC_PREFIX "${RESBENCH_PC_PREFIX}")
configure_file(cmake/resbench.pc.in ${PROJECT_BINARY_DIR}/package/resbench.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/resbench.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY plots DESTINATION ${share_dir} FILES_MATCHING PATTERN *.py)
install(DIRECTORY loaders/importers DESTINATION ${share_dir}/loaders FILES_MATCHING PATTERN *.py)
install(DIRECTORY bench/peers DESTINATION ${share_dir}/bench FILES_MATCHING PATTERN *.py)
install(DIRECTORY examples DESTINATION ${share_dir})
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
