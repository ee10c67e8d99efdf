/// What a URL is for: another operation than an upload, a path with a token in it.
module CellOS.Export.S3.Core.Tests.OperationTests

open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators
open CellOS.Export.S3.Core.Tests.UrlDefectTests

[<Tests>]
let operations =
    testList "Other operations and tokens in paths" [
        table
            "another operation is refused, by its parameter or by x-id"
            [
                for id in
                    [
                        "GetObject"
                        "DeleteObject"
                        "HeadObject"
                        "UploadPart"
                        "CopyObject"
                        "PutObjectAcl"
                        "PutObjectTagging"
                        "PutObjectRetention"
                        "CreateMultipartUpload"
                        "putobject"
                        ""
                    ] do
                    "x-id", id
                for name in
                    [
                        "uploads"
                        "tagging"
                        "acl"
                        "delete"
                        "versioning"
                        "lifecycle"
                        "cors"
                        "website"
                        "publicAccessBlock"
                        "torrent"
                        "attributes"
                        "policy"
                    ] do
                    name, ""
                "list-type", "2"
                "response-content-disposition", "attachment"
                "x-amz-write-offset-bytes", "5"
                "x-ms-copy-source", "a"
                "resource", "file"
                "resource", "directory"
                "action", "append"
                "action", "flush"
                "op", "APPEND"
                "op", "rename"
                "operation", "delete"
            ]
            (fun parameter ->
                let resolution = resolve [ s3 "a" ] [] [ variable, url (parameter :: v4) ]

                resolution.Problems
                |> List.map (fun problem ->
                    problem.Text.Contains "and not for an upload of the whole object"))
            (fun _ -> [ true ])

        testCase "a parameter of such a name with another value is no other operation" (fun () ->
            for parameter in [ "resource", "evidence"; "action", "upload"; "op", "create" ] do
                Expect.isEmpty
                    (resolve [ s3 "a" ] [] [ variable, url (parameter :: v4) ]).Problems
                    (string parameter))

        testCase "CloudFront's own Policy is no policy of a bucket" (fun () ->
            let resolution =
                resolve [ s3 "a" ] [] [
                    variable, "https://d1.cloudfront.net/a?Policy=p&Signature=s&Key-Pair-Id=K"
                ]

            Expect.isEmpty resolution.Problems "no problem")

        table
            "a token in the path of a gateway's URL is advice"
            (let token = "q7W2e9R4t1Y8u3I6o5P0aZxCvBnM1k2j"

             [
                 $"https://gw.example/up/{token}/{{artifact_name}}", true
                 $"https://gw.example/up/{token}", true
                 $"https://gw.example/{token}/{{cell_id}}/{{artifact_name}}?a=b", true
                 // A digest, words, a date and a presigned key are no tokens.
                 $"https://gw.example/up/{hex64}/{{artifact_name}}", false
                 "https://gw.example/evidence-of-the-whole-cell-for-retention/{artifact_name}", false
                 "https://gw.example/2026-03-01T12-00-00Z/{cell_id}/{artifact_name}", false
                 $"https://evidence.s3.us-west-2.amazonaws.com/{token}/a?{query v4}", false
                 $"https://minio.example/evidence/{token}/a?{query v4}", false
                 "https://gw.example/put?token=q7W2e9R4t1Y8u3I6o5P0aZxCvBnM1k2j", false
             ])
            (fun (text, _) ->
                let found =
                    (resolve [ s3 "a" ] [] [ variable, text ]).Findings
                    |> List.filter (fun finding -> finding.Id = FindingId.PathToken)

                Expect.isTrue
                    (found
                     |> List.forall (fun finding ->
                         finding.Severity = Severity.Advice && not (finding.Message.Contains "q7W2e9R4")))
                    "advice, without the token"

                not found.IsEmpty)
            snd

        testCase "the artifact's own name is no token" (fun () ->
            let name = "q7W2e9R4t1Y8u3I6o5P0aZxCvBnM1k2j"

            let resolution =
                resolve [ s3 "a" ] [ listed name ] [ variable, $"https://gw.example/cell/{name}" ]

            Expect.isFalse
                (resolution.Findings
                 |> List.exists (fun finding -> finding.Id = FindingId.PathToken))
                "it is the key")
    ]
