module CellOS.Export.S3.Core.Tests.NameListTests

open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

[<Tests>]
let tests =
    testList "A name that is not in a list" [
        table
            "is named with the nearest one and those that there are"
            [
                ([ "artifact-bucket"; "cold" ], "artifact-buket"),
                "There is no target 'artifact-buket'. Did you mean 'artifact-bucket'? Configured: 'artifact-bucket', 'cold'."
                ([ "Cold" ], "COLD"), "There is no target 'COLD'. Did you mean 'Cold'? Configured: 'Cold'."
                ([ "cold" ], "elsewhere"), "There is no target 'elsewhere'. Configured: 'cold'."
                ([], "x"), "There is no target 'x'. No target is configured."
                ([ for n in 1..12 -> $"t{n}" ], "nothing"),
                "There is no target 'nothing'. Configured: 't1', 't2', 't3', 't4', 't5', 't6', 't7', 't8', 't9', 't10' and 2 more."
            ]
            (fun ((names, given), _) -> NameList.missing "target" names given)
            snd

        testCase "is shown without the secrets of a URL" (fun () ->
            let text =
                NameList.missing "target" [ "a" ] "https://h/x?X-Amz-Signature=5ec12e75ec12e7"

            Expect.isFalse (text.Contains "5ec12e7") text)
    ]
