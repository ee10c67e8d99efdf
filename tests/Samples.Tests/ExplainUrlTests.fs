module Samples.Tests.ExplainUrlTests

open Expecto
open Samples.Tests.Script

let private secrets = [ "AKIAHIDDENKEY"; "5ec12e7516na7012e"; "T0kenT0kenT0ken"; "nested-5ec12e7" ]

/// Signed for another region than its host is in, with a session token; what it holds besides is made up.
let private url =
    "https://evidence.s3.eu-central-1.amazonaws.com/cell-42/a%20b.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    + "&X-Amz-Credential=AKIAHIDDENKEY%2F20260401%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260401T080000Z"
    + "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host%3Bx-amz-acl&X-Amz-Security-Token=T0kenT0kenT0ken"
    + "&x-amz-meta-note=nested-5ec12e7&X-Amz-Signature=5ec12e7516na7012e"

[<Tests>]
let tests =
    testList "explain-url.fsx" [
        testCaseTask "explains one of its own where none is given" (fun () ->
            task {
                let! ran = run "explain-url" [] ""
                succeeds ran

                says
                    [
                        "No URL was given."
                        "bucket      evidence"
                        "ends        2026-04-01 09:00:00Z: 30 min left"
                        "x-amz-meta-run: you must send it"
                        "advice baked-empty-checksum"
                    ]
                    ran

                hides [ "AKEXAMPLE"; "c0ffee" ] ran
            })

        testCaseTask "explains what comes in, and shows no secret" (fun () ->
            task {
                let! ran = run "explain-url" [ "--at"; "2026-04-01T10:30:00Z" ] (url + "\r\n")
                succeeds ran

                says
                    [
                        "where       https://evidence.s3.eu-central-1.amazonaws.com/cell-42/a%20b.txt\n"
                        "key         cell-42/a b.txt"
                        "eu-central-1 by the host, us-east-1 as it was signed: S3 refuses that"
                        "signature   SigV4"
                        "temporary credentials"
                        "begins      2026-04-01 08:00:00Z\n"
                        "ends        2026-04-01 09:00:00Z: 1 h 30 min ago"
                        "host: goes with every request"
                        "x-amz-acl: you must send it, with the value that was signed"
                        "baked in    x-amz-meta-note\n"
                        "error url-expired"
                    ]
                    ran

                hides secrets ran
            })

        testCaseTask "reads a file, and refuses what is no URL without repeating it" (fun () ->
            task {
                use folder = new Folder()
                let file = folder.Write("url.txt", url.Replace("://", "://user:T0kenT0kenT0ken@"))
                let! ran = run "explain-url" [ file ] ""
                Expect.equal ran.Code 1 ran.Output
                Expect.stringContains ran.Error "The upload URL holds user info before the host" "why"
                hides secrets ran
            })

        testCaseTask "takes no URL from the command line, and repeats none" (fun () ->
            task {
                let! ran = run "explain-url" [ url ] ""
                isMisused ran
                hides secrets ran
            })
    ]
