module Samples.Tests.ResolveEnvironmentTests

open Expecto
open Samples.Tests.Script

let private spec =
    """export:
  targets:
    - { name: artifact-bucket, kind: s3, bucket: evidence }
    - { name: cold, kind: s3, bucket: evidence }
"""

let private url =
    "https://evidence.s3.eu-west-1.amazonaws.com/c/a?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    + "&X-Amz-Credential=AKIAHIDDENKEY%2F20260401%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260401T080000Z"
    + "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=5ec12e7516na7012e"

let private secrets = [ "AKIAHIDDENKEY"; "5ec12e7516na7012e" ]

[<Tests>]
let tests =
    testList "resolve-environment.fsx" [
        testCaseTask "resolves a spec of its own" (fun () ->
            task {
                let! ran = run "resolve-environment" [] ""
                succeeds ran

                says
                    [
                        "target 'artifact-bucket': can be used"
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET"
                        "its URL expires in 10 min"
                        "target 'cold-store': cannot be used"
                        "warning region-mismatch"
                        "Did you mean CELLOS_EXPORT_S3_RETRY_MODE__ARTIFACT_BUCKET?"
                        "refused\n  target 'cold-store': CELLOS_EXPORT_S3_PRESIGNED_URL__COLD_STORE: It is not set."
                    ]
                    ran

                hides [ "AKEXAMPLE"; "c0ffee" ] ran
            })

        testCaseTask "a file of variables counts more than the process's" (fun () ->
            task {
                use folder = new Folder()
                let cell = folder.Write("cell.yaml", spec)

                let env =
                    folder.Write(
                        "job.env",
                        $"# of the job\n\nexport CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET='{url}'\n"
                        + "CELLOS_EXPORT_S3_MAX_ATTEMPTS__COLD = 7\r\n"
                    )

                let! ran =
                    runWith
                        [
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__COLD", url
                            "CELLOS_EXPORT_S3_MAX_ATTEMPTS__COLD", "2"
                        ]
                        "resolve-environment"
                        [
                            "--process"
                            "--env"
                            env
                            "--cell"
                            "c"
                            "--at"
                            "2026-04-01T08:30:00Z"
                            cell
                        ]
                        ""

                succeeds ran

                says
                    [
                        "target 'artifact-bucket': can be used"
                        "target 'cold': can be used"
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__COLD   7\n"
                        "its URL expires in 30 min (2026-04-01 09:00:00Z)"
                        "It can be used."
                    ]
                    ran

                hides secrets ran
            })

        testCaseTask "tells where a file is wrong, and repeats no line of it" (fun () ->
            task {
                use folder = new Folder()
                let env = folder.Write("job.env", $"A=b\n{url.Replace('=', '-')}\n")
                let! ran = run "resolve-environment" [ "--env"; env ] ""
                Expect.equal ran.Code 1 ran.Output
                Expect.stringContains ran.Error "job.env, line 2: it is no KEY=VALUE." "the variables"
                hides secrets ran
            })

        testCaseTask "refuses options that it has not" (fun () ->
            task {
                let! ran = run "resolve-environment" [ "--at"; "yesterday" ] ""
                isMisused ran
            })
    ]
