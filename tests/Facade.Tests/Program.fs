module Facade.Tests.Program

open System
open TestPlatform

[<EntryPoint>]
let main argv =
    // The servers of the tests are on loopback; a proxy of the developer's is none of their business.
    for name in [ "HTTP_PROXY"; "HTTPS_PROXY"; "ALL_PROXY"; "NO_PROXY" ] do
        Environment.SetEnvironmentVariable(name, null)
        Environment.SetEnvironmentVariable(name.ToLowerInvariant(), null)

    TestProgram.run argv
