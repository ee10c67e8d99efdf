module CellOS.Export.S3.Core.Tests.UrlFindingTests

open System
open System.Globalization
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private variable = suffixed Variable.PresignedUrl "a"

/// A SigV4 query signed at noon for so many seconds, with a scope of this region.
let private v4 (seconds: int) region =
    $"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%%2F20260301%%2F{region}%%2Fs3%%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host&X-Amz-Signature={UrlDefectTests.hex64}"

let private hour = v4 3600 "us-west-2"
let private minute = v4 61 "us-west-2"
let private elsewhere = v4 3600 "eu-west-1"

let private gone =
    $"AWSAccessKeyId=AKIA&Signature={UrlDefectTests.base64 20}&Expires=1803902400"

let private own = "https://evidence.s3.us-west-2.amazonaws.com"

type private Case = {
    Url: string
    Prefix: string | null
    Region: string | null
    Bucket: string
    Artifacts: string list
    Cell: string option
    At: DateTimeOffset
}

let private case url = {
    Url = url
    Prefix = null
    Region = "us-west-2"
    Bucket = "evidence"
    Artifacts = []
    Cell = None
    At = noon.AddMinutes 1.
}

let private cellOf text =
    match CellId.create text with
    | Ok cell -> cell
    | Error refusal -> failwithf "%O" refusal

let private findings (case: Case) =
    let target = {
        s3 "a" with
            Bucket = case.Bucket
            Region = case.Region
            KeyPrefix = case.Prefix
    }

    let context = {
        contextOf [ variable, case.Url ] with
            CellId = case.Cell |> Option.map cellOf
            Now = case.At
    }

    let resolution =
        Settings.resolve context (specOf [ target ] (case.Artifacts |> List.map listed))

    Expect.isEmpty resolution.Problems "no problem"

    for finding in resolution.Findings do
        Expect.isFalse
            (Text.RegularExpressions.Regex.IsMatch(finding.What + finding.Remedy, @"\{[A-Z]\w*\."))
            $"no program text: {finding.Remedy}"

    resolution.Findings

/// Many rows have a template without a signature: that is a finding of its own (see UrlDefectTests).
let private isOfRow (case: Case) (finding: Finding) =
    finding.Id <> FindingId.IncompleteSignature || case.Url.Contains '?'

let private ids case =
    findings case |> List.filter (isOfRow case) |> List.map _.Id

let private at (seconds: float) url = {
    case url with
        At = noon.AddSeconds seconds
}

let private inCell cell url = { case url with Cell = Some cell }
let private below prefix url = { case url with Prefix = prefix }
let private forRegion region url = { case url with Region = region }
let private listing artifacts url = { case url with Artifacts = artifacts }

/// An exact URL for the artifact `a.txt` of the cell `cell`.
let private forArtifact url = {
    case url with
        Cell = Some "cell"
        Artifacts = [ "a.txt" ]
}

let private named bucket url = { case url with Bucket = bucket }

let private check name (rows: (Case * string list) list) = table name rows (fst >> ids) snd

/// A gateway's query, which nothing is known of.
let private gateway = "https://gw.example"

[<Tests>]
let findingTests =
    testList "UrlFindings" [
        check "a URL that fits its spec has nothing against it" [
            case $"{own}/cell/a.txt?{hour}", []
            inCell "cell" $"{own}/cell/a.txt?{hour}", []
            listing [ "a.txt" ] $"{own}/cell/a.txt?{hour}", []
            below "audit" $"{own}/audit/cell/a.txt?{hour}", []
            case $"https://s3.us-west-2.amazonaws.com/evidence/cell/a.txt?{hour}", []
            case $"{gateway}/{{cell_id}}/{{artifact_name}}", []
            case $"{gateway}/put?token=x", []
        ]

        check "the bucket" [
            case $"https://other.s3.us-west-2.amazonaws.com/cell/a?{hour}", [ "bucket-mismatch" ]
            case $"https://s3.us-west-2.amazonaws.com/other/cell/a?{hour}", [ "bucket-mismatch" ]
            case $"https://s3.us-west-2.amazonaws.com/{{cell_id}}/cell/a",
            [ "bucket-mismatch"; "key-mismatch" ]
            case $"https://s3.us-west-2.amazonaws.com/{{artifact_name}}", [ "bucket-mismatch" ]
            case $"https://Evidence.s3.us-west-2.amazonaws.com/cell/a?{hour}", []
            named "my.evidence" $"https://my.evidence.s3.us-west-2.amazonaws.com/cell/a?{hour}", []
            case $"https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/cell/a?{hour}", []
            case $"https://ap-abc-s3alias.s3.us-west-2.amazonaws.com/cell/a?{hour}", []
            case $"https://s3.us-west-2.amazonaws.com/ap-abc-s3alias/cell/a?{hour}", []
            case $"https://ap-abc--op-s3.s3.us-west-2.amazonaws.com/cell/a?{hour}", []
            case $"https://ap-abc--ol-s3.s3.us-west-2.amazonaws.com/cell/a?{hour}", []
            case $"https://ap--usw2-az1--xa-s3.s3express-usw2-az1.us-west-2.amazonaws.com/cell/a?{hour}", []
            case $"https://bucket.vpce-1a.s3.us-west-2.vpce.amazonaws.com/evidence/cell/a?{hour}", []
            case $"https://bucket.vpce-1a.s3.us-west-2.vpce.amazonaws.com/other/cell/a?{hour}",
            [ "bucket-mismatch" ]
            case $"https://ap-1.accesspoint.vpce-1a.s3.us-west-2.vpce.amazonaws.com/cell/a?{hour}", []
            case $"https://other.minio.example/cell/a?{hour}", []
            case $"https://other.s3.us-west-2.example.com/cell/a?{hour}", []
        ]

        check "a presigned URL that does not show its bucket" [
            let unchecked = [ "destination-unchecked" ]
            forArtifact $"http://127.0.0.1:9000/cell/a.txt?{hour}", unchecked
            forArtifact $"https://proxy.example/backup/evidence/cell/a.txt?{hour}", unchecked

            forArtifact $"https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/cell/a.txt?{hour}",
            unchecked

            forArtifact $"https://minio.example/evidence/cell/a.txt?{hour}", []
            forArtifact $"https://evidence.minio.example/cell/a.txt?{hour}", []
            forArtifact $"https://other.storage.googleapis.com/cell/a.txt?{hour}", [ "bucket-mismatch" ]
            forArtifact $"https://minio.example/evidence/evidence/cell/a.txt?{hour}", [ "key-mismatch" ]
            forArtifact $"https://evidence.s3.example.com/evidence/cell/a.txt?{hour}", [ "key-mismatch" ]
            inCell "cell" $"{gateway}/put?token=x", []
        ]

        check "the cell in an exact URL of a host that is not AWS's, before artifacts are known" [
            inCell "cell" $"https://minio.example/evidence/cell/a?{hour}", []
            inCell "cell" $"https://evidence.minio.example/cell/a?{hour}", []
            inCell "cell" $"https://ceph.example/tenant:evidence/cell/a?{hour}", []
            inCell "cell" $"https://gw.example/store/evidence/cell/deep/a?{hour}", []
            inCell "a b" $"https://minio.example/evidence/a%%20b/a?{hour}", []
            inCell "cell" $"https://minio.example/evidence/other/a?{hour}", [ "key-mismatch" ]
            inCell "cell" $"https://evidence.minio.example/other/cell/a?{hour}", [ "key-mismatch" ]
            inCell "cell" $"https://minio.example/other/cell/a?{hour}", [ "key-mismatch" ]
            inCell "cell" $"https://minio.example/evidence/cell/../b?{hour}", [ "key-mismatch" ]
            inCell "cell" $"https://minio.example/evidence/cellar/a?{hour}", [ "key-mismatch" ]
            {
                inCell "cell" $"https://minio.example/evidence/cell/a?{hour}" with
                    Prefix = "audit"
            },
            [ "key-mismatch" ]
            {
                inCell "cell" $"https://minio.example/evidence/audit/cell/a?{hour}" with
                    Prefix = "audit"
            },
            []
            inCell "cell" $"{gateway}/put?token=x", []
        ]

        testCase "the message on a wrong cell shows the path without the token" (fun () ->
            let finding =
                findings (
                    inCell
                        "cell"
                        "https://objectstorage.eu.oraclecloud.com/p/0123456789secret/n/space/b/evidence/o/other/a"
                )
                |> List.filter (fun finding -> finding.Id = "key-mismatch")
                |> List.exactlyOne

            Expect.equal finding.Severity Severity.Error "nothing may be exported"
            Expect.stringContains finding.What "/b/evidence/o/other/a" "the path"
            Expect.stringContains finding.What "an object below 'cell/'" "the key that is meant"
            Expect.isFalse (finding.What.Contains "0123456789secret") "no token")

        check
            "headers that the signature covers"
            (let signing (names: string) =
                case ($"{own}/cell/a?{hour}".Replace("SignedHeaders=host", $"SignedHeaders={names}"))

             [
                 signing "content-length;content-md5;host", []
                 signing "host;x-amz-meta-run", [ "signed-headers" ]
                 signing "content-type;host", [ "signed-headers" ]
                 signing "host;if-none-match", [ "signed-headers" ]
             ])

        testCase "the headers that the signature covers are told with how to supply them" (fun () ->
            let resolved writeOnce (names: string) =
                (resolve [ s3 "a" ] [] [
                    variable, $"{own}/cell/a?{hour}".Replace("SignedHeaders=host", $"SignedHeaders={names}")
                    suffixed Variable.WriteOnce "a", writeOnce
                ])
                    .Findings
                |> List.filter (fun finding -> finding.Id = "signed-headers")

            let finding =
                List.exactlyOne (resolved "0" "content-type;host;if-none-match;x-amz-acl")

            Expect.equal finding.Severity Severity.Advice "never refused"

            for part in
                [
                    "'content-type' and 'if-none-match' and 'x-amz-acl'"
                    "Give it as ContentType"
                    "CELLOS_EXPORT_S3_WRITE_ONCE__A=1"
                    "push --header (in code: Headers)"
                ] do
                Expect.stringContains finding.Message part part

            Expect.isEmpty (resolved "1" "host;if-none-match") "it is sent")

        check "the region" [
            case $"https://evidence.s3.eu-west-1.amazonaws.com/cell/a?{hour}", [ "region-mismatch" ]
            case $"https://evidence.s3.amazonaws.com/cell/a?{elsewhere}", [ "region-mismatch" ]
            case $"https://minio.example/evidence/cell/a?{elsewhere}", [ "region-mismatch" ]
            case $"https://evidence.s3.amazonaws.com/cell/a?{hour}", []
            forRegion null $"https://evidence.s3.eu-west-1.amazonaws.com/cell/a?{hour}", [ "region-mismatch" ]
            forRegion null $"https://evidence.s3.eu-west-1.amazonaws.com/cell/a?{elsewhere}", []
            forRegion "US-West-2" $"{own}/cell/a?{hour}", []
            // The host goes before the scope, and they must agree.
            case $"{own}/cell/a?{elsewhere}", [ "region-mismatch" ]
            forRegion null $"{own}/cell/a?{elsewhere}", [ "region-mismatch" ]
            forRegion "eu-west-1" $"{own}/cell/a?{elsewhere}", [ "region-mismatch" ]
            forRegion null $"https://evidence.s3.dualstack.us-west-2.amazonaws.com/cell/a?{elsewhere}",
            [ "region-mismatch" ]
            forRegion null $"https://s3-us-west-2.amazonaws.com/evidence/cell/a?{elsewhere}",
            [ "region-mismatch" ]
            forRegion
                null
                $"https://bucket.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com/evidence/cell/a?{elsewhere}",
            [ "region-mismatch" ]
            // One of the two is not known.
            forRegion null $"https://evidence.s3-accelerate.amazonaws.com/cell/a?{elsewhere}", []
            forRegion null $"https://minio.example/evidence/cell/a?{elsewhere}", []
            forRegion null $"{own}/cell/a?{gone}", []
        ]

        check "the key" [
            // Exact: the cell may be any while it is not known.
            case $"{own}/a?{hour}", [ "key-mismatch" ]
            case $"{own}/cell/?{hour}", [ "key-mismatch" ]
            case $"{own}//a?{hour}", [ "key-mismatch" ]
            inCell "other" $"{own}/cell/a?{hour}", [ "key-mismatch" ]
            inCell "a b" $"{own}/a%%20b/a?{hour}", []
            inCell "a+b" $"{own}/a%%20b/a?{hour}", [ "key-mismatch" ]
            listing [ "b" ] $"{own}/cell/a?{hour}", [ "key-mismatch" ]
            listing [ "b/a" ] $"{own}/cell/b/a?{hour}", []
            below "audit" $"{own}/cell/a?{hour}", [ "key-mismatch" ]
            below "audit" $"{own}/audits/cell/a?{hour}", [ "key-mismatch" ]
            below "cell" $"{own}/cell/a?{hour}", [ "key-mismatch" ]
            below "/audit/2026/" $"{own}/audit/2026/cell/a?{hour}", []
            // Templates.
            case $"{own}/{{cell_id}}/{{artifact_name}}", []
            inCell "cell" $"{own}/{{cell_id}}/{{artifact_name}}", []
            case $"{own}/cell/{{artifact_name}}", []
            inCell "cell" $"{own}/cell/{{artifact_name}}", []
            inCell "other" $"{own}/cell/{{artifact_name}}", [ "key-mismatch" ]
            case $"{own}/{{artifact_name}}", [ "key-mismatch" ]
            case $"{own}/{{cell_id}}/x-{{artifact_name}}", [ "key-mismatch" ]
            case $"{own}/{{artifact_name}}/{{cell_id}}", [ "key-mismatch" ]
            case $"{own}/{{cell_id}}/a", []
            listing [ "a" ] $"{own}/{{cell_id}}/a", []
            listing [ "b" ] $"{own}/{{cell_id}}/a", [ "key-mismatch" ]
            below "audit" $"{own}/{{cell_id}}/{{artifact_name}}", [ "key-mismatch" ]
            below "audit" $"{own}/audit/{{cell_id}}/{{artifact_name}}", []
            below "é" $"{own}/%%C3%%A9/{{cell_id}}/{{artifact_name}}", []
            // Unreadable, and unknown hosts.
            case $"{own}/%%ff?{hour}", []
            below "audit" $"{gateway}/x?{hour}", []
            case $"https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/a?{hour}",
            [ "key-mismatch" ]
        ]

        check "the expiry" [
            at -3600. $"{own}/cell/a?{hour}", [ "url-not-yet-valid" ]
            at -900. $"{own}/cell/a?{hour}", []
            at 0. $"{own}/cell/a?{hour}", []
            at 2700. $"{own}/cell/a?{hour}", []
            at 2701. $"{own}/cell/a?{hour}", [ "url-expires-soon" ]
            at 3599. $"{own}/cell/a?{hour}", [ "url-expires-soon" ]
            at 3600. $"{own}/cell/a?{hour}", [ "url-expired" ]
            at 9999999. $"{own}/cell/a?{hour}", [ "url-expired" ]
            at 3600. $"{own}/cell/a?Expires=1&Signature=s",
            [ "incomplete-signature"; "incomplete-signature"; "url-expired" ]
            at 3600. $"{own}/cell/a?Expires=1&Signature={UrlDefectTests.base64 20}&AWSAccessKeyId=x",
            [ "url-expired" ]
            at 3600. ($"{own}/cell/a?{hour}".Replace("Expires=3600", "Expires=x")), [ "mangled-url" ]
            for scheme in UrlDefectTests.schemes do
                let url = $"{gateway}/evidence/cell/a?{UrlDefectTests.query scheme}"
                at 2700. url, []
                at 2701. url, [ "url-expires-soon" ]
                at 3599. url, [ "url-expires-soon" ]
                at 3600. url, [ "url-expired" ]
        ]

        check
            "the transport"
            ([
                "http://gw.example", true
                "http://10.0.0.1", true
                "http://0.0.0.0", true
                "http://localhost.example", true
                "http://notlocalhost", true
                "http://128.0.0.1", true
                "http://[::2]", true
                "https://gw.example", false
                "HTTPS://gw.example", false
                "http://localhost", false
                "http://LOCALHOST:9000", false
                "http://localhost.", false
                "http://minio.localhost", false
                "http://127.0.0.1", false
                "http://127.9.9.9:1", false
                "http://[::1]:9000", false
                "http://[::ffff:127.0.0.1]", false
             ]
             |> List.map (fun (origin, isPlain) ->
                 case $"{origin}/x", (if isPlain then [ "plaintext-transport" ] else [])))

        check "checksums of nothing" [
            case $"{own}/cell/a?{hour}&x-amz-checksum-crc32=AAAAAA%%3D%%3D&x-amz-sdk-checksum-algorithm=CRC32",
            [ "baked-empty-checksum" ]
            case $"{own}/cell/a?{hour}&X-Amz-Checksum-CRC64NVME=AAAAAAAAAAA=", [ "baked-empty-checksum" ]
            case $"{own}/cell/a?{hour}&x-amz-checksum-crc32c=AAAAAA==", [ "baked-empty-checksum" ]
            case $"{own}/cell/a?{hour}&x-amz-checksum-sha1=2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            [ "baked-empty-checksum" ]
            case
                $"{own}/cell/a?{hour}&x-amz-checksum-sha256=47DEQpj8HBSa%%2B%%2FTImW%%2B5JCeuQeRkm5NMpJWZG3hSuFU%%3D",
            [ "baked-empty-checksum" ]
            case $"{own}/cell/a?{hour}&x-amz-checksum-crc32=AAAAAQ%%3D%%3D", []
            case $"{own}/cell/a?{hour}&x-amz-checksum-sha256=AAAAAA%%3D%%3D", []
            case $"{own}/cell/a?{hour}&x-amz-sdk-checksum-algorithm=CRC32", []
        ]

        check "one URL for many artifacts, and a signature for many paths" [
            listing [ "a"; "b" ] $"{own}/cell/a?{hour}", [ "exact-url-many-artifacts" ]
            listing [ "a"; "b" ] $"{gateway}/put?token=x", [ "exact-url-many-artifacts" ]
            listing [ "a"; "b" ] $"{gateway}/{{cell_id}}", [ "exact-url-many-artifacts" ]
            listing [ "a"; "b" ] $"{gateway}/put?a={{artifact_name}}", []
            listing [ "a" ] $"{gateway}/put?token=x", []
            case $"{own}/{{cell_id}}/{{artifact_name}}?{hour}", [ "template-in-signed-path" ]
            case $"{own}/cell/{{artifact_name}}?{gone}", [ "template-in-signed-path" ]
            listing [ "a"; "b" ] $"{own}/{{cell_id}}/a?{hour}",
            [ "exact-url-many-artifacts"; "template-in-signed-path" ]
            case $"{own}/{{cell_id}}/{{artifact_name}}?token=x", [ "incomplete-signature" ]
            case $"{gateway}/{{cell_id}}/{{artifact_name}}?token=x", []
        ]

        check
            "names of buckets"
            ([
                "abc", true
                String('a', 63), true
                "0-a.b-9", true
                "name--usw2-az1--x-s3", true
                "1.2.3.4.5", true
                "a.xn--b", true
                "ab", false
                String('a', 64), false
                "Abc", false
                "a_b", false
                "a b", false
                "über", false
                "-abc", false
                "abc-", false
                ".abc", false
                "abc.", false
                "a..b", false
                "192.168.5.4", false
                "xn--abc", false
                "sthree-abc", false
                "amzn-s3-demo-abc", false
                "abc-s3alias", false
                "abc--ol-s3", false
                "abc.mrap", false
                "abc--table-s3", false
                "abc--x-s3", false
             ]
             |> List.map (fun (bucket, isGood) ->
                 named bucket $"{gateway}/put", (if isGood then [] else [ "bucket-name" ])))

        testCase "a variable that nothing expanded where the URL was made is named" (fun () ->
            let inCell url = {
                listing [ "a" ] url with
                    Cell = Some "cell"
            }

            for variable in [ "$CELL_ID"; "${CELL_ID}"; "{{cell}}"; "%CELL%"; "$env:CELL" ] do
                let path = Uri.EscapeDataString variable

                match
                    findings (inCell $"{own}/{path}/a?{hour}")
                    |> List.filter (fun found -> found.Id = FindingId.KeyMismatch)
                with
                | [ finding ] ->
                    Expect.stringStarts finding.Remedy $"'{variable}' looks like a variable" variable
                    Expect.stringEnds finding.Remedy "ask the presigner for a URL for 'cell/a'." variable
                | other -> failtestf "%s: %A" variable other

            for name in [ "CELL_ID"; "a$b"; "$5"; "100%" ] do
                for finding in findings (inCell $"{own}/{Uri.EscapeDataString name}/a?{hour}") do
                    Expect.isFalse (finding.Remedy.Contains "looks like a variable") name)

        testCase "a finding says what stands there, with placeholders again in their place" (fun () ->
            let what case =
                match findings case |> List.filter (isOfRow case) with
                | [ finding ] -> finding.What
                | other -> failtestf "%A" other

            Expect.equal
                (what (below "audit" $"{own}/{{cell_id}}/{{artifact_name}}"))
                "the URL is for the object '{cell_id}/{artifact_name}', and this export is for 'audit/{cell_id}/{artifact_name}'"
                "a template"

            Expect.equal
                (what (
                    {
                        listing [ "b" ] $"{own}/cell/a?{hour}" with
                            Cell = Some "c"
                    }
                ))
                "the URL is for the object 'cell/a', and this export is for 'c/b'"
                "what is known"

            Expect.stringContains
                (what (case $"https://s3.us-west-2.amazonaws.com/{{artifact_name}}"))
                "the bucket '{artifact_name}'"
                "the bucket of a path-style URL")

        testCase "each names its variable, its target and a remedy" (fun () ->
            for case in
                [
                    at
                        3600.
                        $"http://other.s3.eu-west-1.amazonaws.com/x-{{artifact_name}}?{hour}&x-amz-checksum-crc32=AAAAAA=="
                    {
                        listing [ "a"; "b" ] $"{own}/a?{minute}" with
                            Bucket = "X"
                    }
                ] do
                let found = findings case
                Expect.isTrue (found.Length >= 4) "several"

                for finding in found do
                    Expect.equal finding.Target (Some "a") "target"

                    Expect.equal
                        finding.Variable
                        (if finding.Id = "bucket-name" then "bucket" else variable)
                        "variable"

                    Expect.isFalse (finding.What.EndsWith '.') "a part of a sentence"
                    Expect.isTrue (finding.Remedy.EndsWith '.') "a sentence")

        testCase "the culture of the process does not matter" (fun () ->
            let before = CultureInfo.CurrentCulture
            let odd = CultureInfo.InvariantCulture.Clone() :?> CultureInfo
            odd.NumberFormat.NegativeSign <- "minus"
            odd.NumberFormat.NumberGroupSeparator <- "'"
            odd.DateTimeFormat.TimeSeparator <- "h"
            odd.DateTimeFormat.DateSeparator <- "of"

            let texts () =
                [
                    at 9999. $"{own}/cell/a?{hour}"
                    listing [ for n in 1..2000 -> $"{n}" ] $"{gateway}/put"
                ]
                |> List.collect findings
                |> List.map string

            let meant = texts ()

            try
                CultureInfo.CurrentCulture <- odd
                Expect.equal (texts ()) meant "the same"

                Expect.equal
                    (Settings.expiryInWords noon (noon.AddMinutes -61.))
                    "expired 1 h 1 min ago (2026-03-01 10:59:00Z)"
                    "a moment"
            finally
                CultureInfo.CurrentCulture <- before)

        table
            "an expiry in words"
            [
                0., "expired 0 s ago (2026-03-01 12:00:00Z)"
                0.5, "in 500 ms (2026-03-01 12:00:00Z)"
                1., "in 1 s (2026-03-01 12:00:01Z)"
                61., "in 1 min 1 s (2026-03-01 12:01:01Z)"
                3600., "in 1 h (2026-03-01 13:00:00Z)"
                3661., "in 1 h 1 min (2026-03-01 13:01:01Z)"
                86400. + 59., "in 1 d (2026-03-02 12:00:59Z)"
                -90000., "expired 1 d 1 h ago (2026-02-28 11:00:00Z)"
            ]
            (fun (seconds, _) -> Settings.expiryInWords noon (noon.AddSeconds seconds))
            snd

        testCase "the ends of time" (fun () ->
            for now in [ DateTimeOffset.MinValue; DateTimeOffset.MaxValue ] do
                ids {
                    case $"{own}/cell/a?{hour}" with
                        At = now
                }
                |> ignore

                Settings.expiryInWords now DateTimeOffset.MinValue |> ignore
                Settings.expiryInWords now DateTimeOffset.MaxValue |> ignore

            let last =
                $"Signature={UrlDefectTests.base64 20}&AWSAccessKeyId=x&Expires=253402300799"

            Expect.equal
                (ids {
                    case $"{own}/cell/a?{last}" with
                        At = DateTimeOffset.MinValue
                })
                []
                "no overflow")
    ]
