module Samples.Tests.LawsTests

open System
open Expecto
open Samples.Tests.Script

[<Tests>]
let tests =
    testList "laws.fsx" [
        testCaseTask "holds its four laws" (fun () ->
            task {
                let! ran = run "laws" [] ""
                succeeds ran

                let held =
                    ran.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    |> Array.filter (fun line -> line.EndsWith "Ok, passed 300 tests.")

                Expect.equal held.Length 4 ran.Output
            })
    ]
