module Samples.Tests.ExploreTemplateTests

open Expecto
open Samples.Tests.Script

[<Tests>]
let tests =
    testList "explore-template.fsx" [
        testCaseTask "explores a template of its own" (fun () ->
            task {
                let! ran = run "explore-template" [] ""
                succeeds ran

                says
                    [
                        "→ https://gw.example/put/cell-42/logs/stdout.txt?name=logs%2Fstdout.txt&…"
                        "' ' becomes %20: no URL holds a blank"
                        "/100%25/gr%C3%B6%C3%9Fe.txt"
                        "'#' becomes %23: it would end the URL"
                        "refused: The artifact name has a segment (1 of 4) that is '..'"
                        "'two\\u000Alines'"
                        "refused: The artifact name is empty."
                    ]
                    ran

                hides [ "s3cr3t" ] ran
            })

        testCaseTask "reads a template with a token from standard input, and keeps the token" (fun () ->
            task {
                let template =
                    "https://gw.example/up?to={artifact_name}&token=5ec12e7516na7012e&{cell_id}&sig=5ec12e7516na7012e={cell_id}"

                let! ran = run "explore-template" [ "-"; "cell 1"; "a/b&c"; "ü.txt" ] template

                succeeds ran

                says
                    [
                        "→ https://gw.example/up?to=a%2Fb%26c&…&…&…"
                        "'&' becomes %26"
                        "'ü' becomes %C3%BC"
                    ]
                    ran

                hides [ "5ec12e7516na7012e" ] ran
            })

        testCaseTask "refuses a template in the library's words, and options that it has not" (fun () ->
            task {
                let! ran =
                    run "explore-template" [ "https://gw.example/{cell}/x?token=5ec12e7516na7012e" ] ""

                Expect.equal (ran.Code, ran.Output) (1, "") "nothing is explored"
                Expect.stringContains ran.Error "holds the unknown placeholder {cell}" "why"
                hides [ "5ec12e7516na7012e" ] ran

                let! ran = run "explore-template" [ "--all" ] ""
                isMisused ran
            })
    ]
