# immudb_generated_docs(TARGET): the manual page and shell completions of a program, written by the
# program itself after its build and installed with it.
include(GNUInstallDirs)

function(immudb_generated_docs target)
  set(directory ${CMAKE_BINARY_DIR}/share)
  set(page ${directory}/man/man1/${target}.1)
  set(bash ${directory}/bash-completion/completions/${target})
  set(zsh ${directory}/zsh/site-functions/_${target})
  set(fish ${directory}/fish/vendor_completions.d/${target}.fish)
  file(MAKE_DIRECTORY ${directory}/bash-completion/completions ${directory}/zsh/site-functions
    ${directory}/fish/vendor_completions.d)
  add_custom_command(OUTPUT ${page} ${bash} ${zsh} ${fish}
    COMMAND ${target} mangen ${directory}/man/man1
    COMMAND ${target} completion bash > ${bash}
    COMMAND ${target} completion zsh > ${zsh}
    COMMAND ${target} completion fish > ${fish}
    DEPENDS ${target}
    COMMENT "Manual page and completions of ${target}"
    VERBATIM)
  add_custom_target(${target}_docs ALL DEPENDS ${page} ${bash} ${zsh} ${fish})
  install(TARGETS ${target} COMPONENT programs)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT programs)
  install(FILES ${bash} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    COMPONENT programs)
  install(FILES ${zsh} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT programs)
  install(FILES ${fish} DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
    COMPONENT programs)
endfunction()
