# cmake -DBUILD=... -DPREFIX=... -P install_tree.cmake: installs anew, so that nothing is there that
# an older build left.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
