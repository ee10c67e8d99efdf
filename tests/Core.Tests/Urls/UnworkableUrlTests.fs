/// URLs of the right form with which no upload can work.
module CellOS.Export.S3.Core.Tests.UnworkableUrlTests

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators
open CellOS.Export.S3.Core.Tests.UrlDefectTests

let private own = "evidence.s3.us-west-2.amazonaws.com"

let private sign name value parameters =
    parameters
    |> List.map (fun (known, was) -> known, (if known = name then value else was))

let private at (host: string) parameters =
    $"https://{host}/cell/a.txt?{query parameters}"

let private azure permissions = [
    "sv", "2024-11-04"
    "se", "2026-03-01T13%3A00%3A00Z"
    "sr", "b"
    "sp", permissions
    "sig", base64 32
]

let private scope key service =
    sign "X-Amz-Credential" $"{key}%%2F20260301%%2Fus-west-2%%2F{service}%%2Faws4_request" v4

let private temporary = "ASIAIOSFODNN7EXAMPLE"

/// A URL, the finding about it, and a part of its text.
let private errors = [
    at own (sign "X-Amz-Date" "20260301T121600Z" v4), "url-not-yet-valid", "Compare the clocks"
    at own (scope temporary "s3"), "incomplete-signature", "lacks X-Amz-Security-Token"
    at own (scope "AKIA" "iam"), "mangled-url", "for the service 'iam'"
    at own (scope "AKIA" "execute-api"), "mangled-url", "stores accept only 's3'"
    at own (sign "X-Amz-Credential" "****" v4), "incomplete-signature", "X-Amz-Credential is masked"
    at own (scope "REDACTED" "s3"), "incomplete-signature", "X-Amz-Credential is masked"
    at own (scope "AKIA****************" "s3"), "incomplete-signature", "X-Amz-Credential is masked"
    at own (scope "AKIAXXXXXXXXXXXXXXXX" "s3"), "incomplete-signature", "X-Amz-Credential is masked"
    at own (scope "%E2%80%A6" "s3"), "incomplete-signature", "X-Amz-Credential is masked"
    at own (v4 @ [ "X-Amz-Security-Token", "REDACTED" ]),
    "incomplete-signature",
    "X-Amz-Security-Token is masked"
    at own [ "AWSAccessKeyId", "***"; "Signature", base64 20; "Expires", "1772370000" ],
    "incomplete-signature",
    "AWSAccessKeyId is masked"
    at own (sign "X-Amz-Credential" "AKIA%2F20260301%2Feu-west-1%2Fs3%2Faws4_request" v4),
    "region-mismatch",
    "was signed for the region"
    at "evidence.s3-website-us-west-2.amazonaws.com" v4, "wrong-host", "is the web site of a bucket"
    at "evidence.s3-website.us-west-2.amazonaws.com" v4, "wrong-host", "is the web site of a bucket"
    at "s3.console.aws.amazon.com" v4, "wrong-host", "is the console of a cloud"
    at "us-west-2.console.aws.amazon.com" v4, "wrong-host", "is the console of a cloud"
    at "evidence.s3.us-west-2.amazonaws.con" v4, "wrong-host", "looks like a misspelt amazonaws.com"
    at "evidence.s3.us-west-2.amazonaws.co" v4, "wrong-host", "looks like a misspelt amazonaws.com"
    at "evidence.s3.us-west-2.amazonaws" v4, "wrong-host", "looks like a misspelt amazonaws.com"
    at "evidence.s3.us-west-2.amazonwas.com" v4, "wrong-host", "looks like a misspelt amazonaws.com"
    at "evidence.s3.us-west-2.amazonaw.com" v4, "wrong-host", "looks like a misspelt amazonaws.com"
    at "evidence.s3.us-west-2.amazonaws.com.con" v4, "wrong-host", "ends with '.con'"
    at "store.example.con" v4, "wrong-host", "ends with '.con'"
    "http://" + own + ":443/cell/a.txt?" + query v4, "wrong-host", "its port is 443"
    "https://" + own + ":80/cell/a.txt?" + query v4, "wrong-host", "its port is 80"
    at "account.blob.core.windows.net/evidence" (azure "r"), "mangled-url", "sp does not permit to write"
    at "account.blob.core.windows.net/evidence" (azure "rl"), "mangled-url", "sp does not permit to write"
    at own (sign "X-Amz-SignedHeaders" "host%3Btransfer-encoding" v4),
    "signed-headers",
    "no upload of this tool sends"
]

let private inCell (url: string) =
    let context = {
        contextOf [ suffixed Variable.PresignedUrl "a", url ] with
            CellId = CellId.create "cell" |> Result.toOption
    }

    let resolution = Settings.resolve context (specOf [ s3 "a" ] [ listed "a.txt" ])
    Expect.isEmpty resolution.Problems $"no problem: {url}"
    resolution

let private inManifest (listedNames: string list) (entries: (string * string) list) =
    let json =
        entries
        |> List.map (fun (name, url) -> $"\"{name}\": \"{url}\"")
        |> String.concat ", "

    let context = {
        contextOf [ suffixed Variable.PresignedUrlsFile "a", "urls.json" ] with
            CellId = CellId.create "cell" |> Result.toOption
    }

    let spec = specOf [ s3 "a" ] (listedNames |> List.map listed)

    Settings.resolve context spec
    |> Settings.withManifest context spec (nameOf "a") (UrlManifest.parse $"{{{json}}}")

let private severities (id: string) (resolution: Resolution) =
    resolution.Findings
    |> List.filter (fun finding -> finding.Id = id)
    |> List.map _.Severity

[<Tests>]
let tests =
    testList "URLs that cannot work" [
        testCase "each is an error that says why, in a variable and in a manifest" (fun () ->
            for url, id, text in errors do
                for resolution in [ inCell url; inManifest [ "a.txt" ] [ "a.txt", url ] ] do
                    let found =
                        resolution.Findings
                        |> List.filter (fun finding -> finding.Id = id && finding.Message.Contains text)

                    Expect.hasLength found 1 $"{url}\n%A{resolution.Findings}"
                    Expect.equal found.Head.Severity Severity.Error url
                    Expect.isFalse (Settings.allCanBeExported resolution) url)

        testCase "where a gateway may make it work, it is a warning" (fun () ->
            for url, id in
                [
                    at "gw.example" (scope temporary "s3"), "incomplete-signature"
                    at "gw.example" (scope "AKIA" "iam"), "mangled-url"
                    at own (v4 |> List.map (fun (name, value) -> name.ToLowerInvariant(), value)),
                    "mangled-url"
                    "http://gw.example:443/cell/a.txt", "wrong-host"
                    "https://gw.example:80/cell/a.txt", "wrong-host"
                    // A program's own tests may have it.
                    at "example.com" v4, "wrong-host"
                    at "www.example.org" v4, "wrong-host"
                    at "evidence.s3.uswest2.amazonaws.com" v4, "wrong-host"
                ] do
                Expect.equal (severities id (inCell url)) [ Severity.Warning ] url)

        testCase "digests are bound to URLs that are asked for alone" (fun () ->
            let found (variables: (string * string) list) =
                Settings.resolve (contextOf variables) (specOf [ s3 "a" ] [ listed "a.txt" ])
                |> severities "bind-digest-unused"

            let bind = suffixed Variable.BindDigest "a", "1"

            for variables, expected in
                [
                    [ suffixed Variable.PresignedUrl "a", at own v4; bind ], [ Severity.Warning ]
                    [ suffixed Variable.PresignedUrlsFile "a", "urls.json"; bind ], [ Severity.Warning ]
                    [ suffixed Variable.BrokerUrl "a", "https://broker.example/"; bind ], []
                    [ suffixed Variable.UrlCommand "a", "presign"; bind ], []
                    [
                        suffixed Variable.PresignedUrl "a", at own v4
                        suffixed Variable.BindDigest "a", "0"
                    ],
                    []
                    [
                        suffixed Variable.PresignedUrl "a", at own v4
                        Variable.SharedBindDigest, "1"
                    ],
                    []
                ] do
                Expect.equal (found variables) expected $"%A{List.map fst variables}")

        testCase "what can work has no such finding" (fun () ->
            for url in
                [
                    at own v4
                    at own (sign "X-Amz-Date" "20260301T121400Z" v4)
                    at
                        own
                        (scope temporary "s3"
                         @ [ "X-Amz-Security-Token", String.replicate 8 "FwoGZXIvYXdzE" ])
                    at "evidence.s3express-usw2-az1.us-west-2.amazonaws.com" (scope "AKIA" "s3express")
                    at "minio.example/evidence" v4
                    at "evidence.s3.amazonaws.internal" v4
                    at
                        "evidence.s3.cn-north-1.amazonaws.com.cn"
                        (scope "AKIA" "s3"
                         |> sign "X-Amz-Credential" "AKIA%2F20260301%2Fcn-north-1%2Fs3%2Faws4_request")
                    at
                        "evidence.s3.eusc-de-east-1.amazonaws.eu"
                        (sign "X-Amz-Credential" "AKIA%2F20260301%2Feusc-de-east-1%2Fs3%2Faws4_request" v4)
                    at "abc.execute-api.us-west-2.amazonaws.com" []
                    at "lb-1.us-west-2.elb.amazonaws.com" []
                    at "account.blob.core.windows.net/evidence" (azure "cw")
                    at "account.blob.core.windows.net/evidence" (azure "c")
                    "https://" + own + ":443/cell/a.txt?" + query v4
                    "http://127.0.0.1:80/evidence/cell/a.txt"
                ] do
                let url = url.TrimEnd '?'

                let bad =
                    (inCell url).Findings
                    |> List.filter (fun finding ->
                        List.contains finding.Id [
                            "wrong-host"
                            "mangled-url"
                            "incomplete-signature"
                            "url-not-yet-valid"
                        ])

                Expect.isEmpty bad url)

        testCase "a URL for one version of an object is refused" (fun () ->
            for name in [ "versionId"; "versionid"; "generation"; "snapshot" ] do
                let url = at own (v4 @ [ name, "3" ])

                let problems =
                    (resolve [ s3 "a" ] [] [ suffixed Variable.PresignedUrl "a", url ]).Problems

                Expect.stringContains (List.exactlyOne problems).Message "one version of an object" name)

        testCase "a wrong bucket or cell of a presigned URL is an error without artifacts" (fun () ->
            for url, id in
                [
                    at "other.s3.us-west-2.amazonaws.com" v4, "bucket-mismatch"
                    $"https://{own}/elsewhere/a.txt?{query v4}", "key-mismatch"
                ] do
                let context = {
                    contextOf [ suffixed Variable.PresignedUrl "a", url ] with
                        CellId = CellId.create "cell" |> Result.toOption
                }

                let resolution = Settings.resolve context (specOf [ s3 "a" ] [])
                Expect.equal (severities id resolution) [ Severity.Error ] url)

        testCase "of a manifest, only the URLs of the listed artifacts are errors" (fun () ->
            let expired = at own (sign "X-Amz-Date" "20260301T090000Z" v4)
            let entry (name: string) (url: string) = name, url.Replace("a.txt", name)
            let cut = (at own v4).Substring(0, (at own v4).IndexOf "&X-Amz-Signature")

            for listed, entries, expected in
                [
                    [ "a.txt" ], [ entry "a.txt" expired; entry "b.txt" (at own v4) ], [ Severity.Error ]
                    [ "b.txt" ], [ entry "a.txt" expired; entry "b.txt" (at own v4) ], [ Severity.Warning ]
                    [], [ entry "a.txt" expired; entry "b.txt" (at own v4) ], [ Severity.Warning ]
                    [], [ entry "a.txt" expired ], [ Severity.Error ]
                ] do
                Expect.equal (severities "url-expired" (inManifest listed entries)) expected $"%A{listed}"

            for listed, expected in
                [
                    [ "a.txt" ], [ Severity.Error ]
                    [ "b.txt" ], [ Severity.Warning ]
                    [], [ Severity.Error ]
                ] do
                let entries = [ entry "a.txt" cut; entry "b.txt" (at own v4) ]

                Expect.equal
                    (severities "incomplete-signature" (inManifest listed entries))
                    expected
                    $"%A{listed}")

        testCase "names that differ by case only are reported" (fun () ->
            let twins (resolution: Resolution) =
                resolution.Findings
                |> List.filter (fun finding -> finding.Id = "case-twins")
                |> List.map (fun finding -> finding.Severity, finding.Variable)

            let file = suffixed Variable.PresignedUrlsFile "a"

            let entries = [
                "Report", (at own v4).Replace("a.txt", "Report")
                "report", (at own v4).Replace("a.txt", "report")
            ]

            Expect.equal
                (twins (inManifest [ "Report"; "report" ] entries))
                [ Severity.Advice, "artifacts"; Severity.Advice, file ]
                "in the spec, and in the manifest"

            Expect.isEmpty (twins (inManifest [ "Report" ] entries.Tail.Tail)) "one")

        testCase "a proxy variable with another value in lower case is reported" (fun () ->
            let twins variables =
                (resolve [ s3 "a" ] [] ((suffixed Variable.PresignedUrl "a", at own v4) :: variables))
                    .Findings
                |> List.filter (fun finding -> finding.Id = "case-twins")
                |> List.map _.Variable

            let one, other = "http://one.example:1", "http://other.example:2"
            Expect.equal (twins [ "HTTPS_PROXY", one; "https_proxy", other ]) [ "https_proxy" ] "different"
            Expect.isEmpty (twins [ "HTTPS_PROXY", one; "https_proxy", one ]) "the same"
            Expect.isEmpty (twins [ "https_proxy", one ]) "one")

        testCase "an artifact that a manifest has under another spelling is named" (fun () ->
            for artifact, entry in [ "Report.json", "report.json"; "a", "cell/a"; "logs/a", "a" ] do
                let resolution =
                    inManifest [ artifact ] [ entry, (at own v4).Replace("a.txt", entry) ]

                let problem = (List.exactlyOne resolution.Problems).Text
                Expect.stringContains problem $"The manifest has a URL for '{entry}'" artifact)
    ]
