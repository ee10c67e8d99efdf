module CellOS.Export.S3.Core.Tests.PresignedUrlTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private at (text: string) =
    DateTimeOffset.Parse(text, Globalization.CultureInfo.InvariantCulture)

let private inspected query =
    PresignedUrl.inspect (parsed $"https://h/p?{query}")

let private hosts = [
    // Path style
    "s3.amazonaws.com", Some(None, None, false)
    "s3.us-east-1.amazonaws.com", Some(None, Some "us-east-1", false)
    "s3-us-west-2.amazonaws.com", Some(None, Some "us-west-2", false)
    "s3-external-1.amazonaws.com", Some(None, Some "us-east-1", false)
    "s3.dualstack.ap-southeast-7.amazonaws.com", Some(None, Some "ap-southeast-7", false)
    "s3-fips.us-gov-west-1.amazonaws.com", Some(None, Some "us-gov-west-1", false)
    "s3-fips-us-gov-west-1.amazonaws.com", Some(None, Some "us-gov-west-1", false)
    "s3-fips.dualstack.us-east-1.amazonaws.com", Some(None, Some "us-east-1", false)
    "s3.cn-north-1.amazonaws.com.cn", Some(None, Some "cn-north-1", false)
    // Virtual-hosted
    "b.s3.amazonaws.com", Some(Some "b", None, false)
    "b.s3.us-west-2.amazonaws.com", Some(Some "b", Some "us-west-2", false)
    "b.s3-us-west-2.amazonaws.com", Some(Some "b", Some "us-west-2", false)
    "my.dotted.b.s3.eu-central-1.amazonaws.com", Some(Some "my.dotted.b", Some "eu-central-1", false)
    "s3.s3.eu-central-1.amazonaws.com", Some(Some "s3", Some "eu-central-1", false)
    "us-west-2.s3.amazonaws.com", Some(Some "us-west-2", None, false)
    "b.s3.dualstack.us-west-2.amazonaws.com", Some(Some "b", Some "us-west-2", false)
    "b.s3-fips.us-east-2.amazonaws.com", Some(Some "b", Some "us-east-2", false)
    "b.s3-fips.dualstack.us-east-2.amazonaws.com", Some(Some "b", Some "us-east-2", false)
    "b.s3-accelerate.amazonaws.com", Some(Some "b", None, false)
    "b.s3-accelerate.dualstack.amazonaws.com", Some(Some "b", None, false)
    "b.s3.cn-northwest-1.amazonaws.com.cn", Some(Some "b", Some "cn-northwest-1", false)
    "b.s3.dualstack.cn-north-1.amazonaws.com.cn", Some(Some "b", Some "cn-north-1", false)
    // Access points
    "ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
    Some(Some "ap-123456789012", Some "us-west-2", true)
    "ap-1.s3-accesspoint.dualstack.us-west-2.amazonaws.com", Some(Some "ap-1", Some "us-west-2", true)
    "ap-1.s3-accesspoint-fips.us-east-1.amazonaws.com", Some(Some "ap-1", Some "us-east-1", true)
    "ap-1.op-2.s3-outposts.us-east-1.amazonaws.com", Some(Some "ap-1.op-2", Some "us-east-1", true)
    "m.mrap.accesspoint.s3-global.amazonaws.com", Some(Some "m", None, true)
    // S3 Express
    "b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com",
    Some(Some "b--usw2-az1--x-s3", Some "us-west-2", false)
    // PrivateLink
    "bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", Some(None, Some "us-east-1", false)
    "b.bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", Some(Some "b", Some "us-east-1", false)
    "my.b.bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", Some(Some "my.b", Some "us-east-1", false)
    "bucket.bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", Some(Some "bucket", Some "us-east-1", false)
    "bucket.vpce-1a2b-us-east-1a.s3.us-east-1.vpce.amazonaws.com", Some(None, Some "us-east-1", false)
    "vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", Some(None, Some "us-east-1", false)
    "b.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", Some(Some "b", Some "us-east-1", false)
    "bucket.vpce-1a2b.s3-fips.us-east-1.vpce.amazonaws.com", Some(None, Some "us-east-1", false)
    "ap-1234.accesspoint.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com",
    Some(Some "ap-1234", Some "us-east-1", true)
    "accesspoint.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", Some(None, Some "us-east-1", true)
    "bucket.vpce-1a2b.s3.cn-north-1.vpce.amazonaws.com.cn", Some(None, Some "cn-north-1", false)
    "b.bucket.vpce-1a2b.s3.us-iso-east-1.vpce.c2s.ic.gov", Some(Some "b", Some "us-iso-east-1", false)
    "control.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", None
    "vpce-1a2b.sqs.us-east-1.vpce.amazonaws.com", None
    // Other partitions
    "s3.eusc-de-east-1.amazonaws.eu", Some(None, Some "eusc-de-east-1", false)
    "b.s3.eusc-de-east-1.amazonaws.eu", Some(Some "b", Some "eusc-de-east-1", false)
    "b.s3.dualstack.eusc-de-east-1.amazonaws.eu", Some(Some "b", Some "eusc-de-east-1", false)
    "s3.us-iso-east-1.c2s.ic.gov", Some(None, Some "us-iso-east-1", false)
    "b.s3.us-iso-west-1.c2s.ic.gov", Some(Some "b", Some "us-iso-west-1", false)
    "b.s3-fips.us-iso-east-1.c2s.ic.gov", Some(Some "b", Some "us-iso-east-1", false)
    "b.s3.us-isob-east-1.sc2s.sgov.gov", Some(Some "b", Some "us-isob-east-1", false)
    "b.s3.eu-isoe-west-1.cloud.adc-e.uk", Some(Some "b", Some "eu-isoe-west-1", false)
    "b.s3.us-isof-south-1.csp.hci.ic.gov", Some(Some "b", Some "us-isof-south-1", false)
    "c2s.ic.gov", None
    "s3.us-iso-east-1.ic.gov", None
    // Aliases of access points
    "ap-abc123-s3alias.s3.us-west-2.amazonaws.com", Some(Some "ap-abc123-s3alias", Some "us-west-2", true)
    "ap-abc123--ol-s3.s3.us-west-2.amazonaws.com", Some(Some "ap-abc123--ol-s3", Some "us-west-2", true)
    "ap-abc123--op-s3.s3.us-west-2.amazonaws.com", Some(Some "ap-abc123--op-s3", Some "us-west-2", true)
    "ap--usw2-az1--xa-s3.s3express-usw2-az1.us-west-2.amazonaws.com",
    Some(Some "ap--usw2-az1--xa-s3", Some "us-west-2", true)
    "ap-abc123-s3alias.s3.dualstack.us-west-2.amazonaws.com",
    Some(Some "ap-abc123-s3alias", Some "us-west-2", true)
    // Something else
    "s3express-control.us-west-2.amazonaws.com", None
    "b.s3-website-us-west-2.amazonaws.com", Some(Some "b", Some "us-west-2", false)
    "b.s3-website.eu-central-1.amazonaws.com", Some(Some "b", Some "eu-central-1", false)
    "ec2.us-east-1.amazonaws.com", None
    "123.s3-control.us-east-1.amazonaws.com", None
    "amazonaws.com", None
    "evils3.amazonaws.com", None
    "s3.amazonaws.com.evil.example", None
    "s3.us-east-1.amazonaws.com.", Some(None, Some "us-east-1", false)
    "minio.internal", None
    "storage.googleapis.com", None
    "127.0.0.1", None
    "", None
]

[<Tests>]
let host =
    testList "S3Host" [
        table
            "what the host forms of AWS say"
            hosts
            (fun (host, _) ->
                S3Host.tryParse host
                |> Option.map (fun host -> host.Prefix, host.Region, host.IsAccessPoint))
            snd

        propertyTimes 300 "tryParse is total" anyText (fun text -> S3Host.tryParse text |> ignore)
        property "tryParse is total below amazonaws.com" anyText (fun text ->
            S3Host.tryParse (text + ".amazonaws.com") |> ignore)
    ]

[<Tests>]
let inspect =
    testList "PresignedUrl" [
        propertyTimes
            500
            "inspect is total and shows no secret"
            (Gen.oneof [ presigned; anyUrl ])
            (fun planted ->
                match RequestUrl.parse planted.Url with
                | Error _ -> ()
                | Ok url ->
                    for shown in Shown.everyWay (PresignedUrl.inspect url) do
                        Expect.isEmpty (holds planted.Secrets shown) shown)

        propertyTimes
            300
            "a SigV4 query is read in any order, case and escaping"
            (Gen.zip
                (Gen.choose (0, 604800))
                (Gen.elements [ "host"; "content-md5%3Bhost"; "Host;X-Amz-Acl" ])
             |> Gen.bind (fun (seconds, headers) ->
                 v4Query noon seconds headers
                 |> Gen.map (fun (query, _) -> seconds, headers, query)))
            (fun (seconds, headers, query) ->
                let url = inspected query
                Expect.equal url.Signature UrlSignature.V4 "the kind"
                Expect.equal url.SignedAt (Some noon) "signed at"
                Expect.equal url.ExpiresAt (Some(noon.AddSeconds(float seconds))) "expires at"
                Expect.equal url.ScopeRegion (Some "us-west-2") "region"

                Expect.equal
                    url.SignedHeaders
                    (headers.Replace("%3B", ";").ToLowerInvariant().Split(';') |> List.ofArray)
                    "headers"

                Expect.equal url.HasSecurityToken (query.Split('&').Length = 7) "token")

        table
            "the kind of signature"
            [
                "X-Amz-Signature=a", UrlSignature.V4
                "x-amz-signature=a", UrlSignature.V4
                "Signature=a&AWSAccessKeyId=b", UrlSignature.V2
                "X-Amz-Signature=a&Signature=b&AWSAccessKeyId=c", UrlSignature.V4
                "Signature=a", UrlSignature.Unknown
                "AWSAccessKeyId=a", UrlSignature.Unknown
                "token=a", UrlSignature.Unsigned
                "", UrlSignature.Unsigned
            ]
            (fun (query, _) -> (inspected query).Signature)
            snd

        table
            "when a URL expires; junk is absence"
            [
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=60", Some "2026-03-01T12:01:00Z"
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=0", Some "2026-03-01T12:00:00Z"
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=604800", Some "2026-03-08T12:00:00Z"
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=604801", None
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=-1", None
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=1.5", None
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=60%00", None
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=99999999999999999999", None
                "X-Amz-Date=20260301T120000Z", None
                "X-Amz-Date=20260230T120000Z&X-Amz-Expires=60", None
                "X-Amz-Date=2026-03-01T12:00:00Z&X-Amz-Expires=60", None
                "X-Amz-Date=99991231T235959Z&X-Amz-Expires=60", None
                "X-Amz-Date=20260301T120000Z&X-Amz-Date=20270301T120000Z&X-Amz-Expires=60",
                Some "2026-03-01T12:01:00Z"
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=60&X-Amz-Expires=604800",
                Some "2026-03-01T12:01:00Z"
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=junk&X-Amz-Expires=60", None
                "X-Amz-Date=20260301T120000Z&x-amz-expires=60&X%2DAmz-Expires=600",
                Some "2026-03-01T12:01:00Z"
                "Signature=a&AWSAccessKeyId=b&Expires=1772366400", Some "2026-03-01T12:00:00Z"
                "Signature=a&AWSAccessKeyId=b&Expires=1772366400&Expires=1872366400",
                Some "2026-03-01T12:00:00Z"
                "Signature=a&AWSAccessKeyId=b&Expires=junk", None
                "Signature=a&AWSAccessKeyId=b&Expires=999999999999", None
                "Expires=1772366400", None
            ]
            (fun (query, _) -> (inspected query).ExpiresAt)
            (snd >> Option.map at)

        table
            "the first X-Amz-SignedHeaders counts"
            [
                "X-Amz-SignedHeaders=host&X-Amz-SignedHeaders=host;x-amz-acl", [ "host" ]
                "X-Amz-SignedHeaders=&X-Amz-SignedHeaders=host", []
            ]
            (fun (query, _) -> (inspected query).SignedHeaders)
            snd

        table
            "bucket, key and region, from AWS hosts only"
            [
                "https://b.s3.us-west-2.amazonaws.com/a/b%20c", (Some "b", Some "a/b c", Some "us-west-2")
                "https://B.S3.us-west-2.amazonaws.com:443/a", (Some "b", Some "a", Some "us-west-2")
                "https://s3.us-west-2.amazonaws.com/b/a/../c", (Some "b", Some "a/../c", Some "us-west-2")
                "https://s3.amazonaws.com/b", (Some "b", None, None)
                "https://s3.amazonaws.com/b/", (Some "b", None, None)
                "https://s3.amazonaws.com", (None, None, None)
                "https://b.s3.amazonaws.com/%C3%A9", (Some "b", Some "é", None)
                "https://b.s3.amazonaws.com/%ff", (Some "b", None, None)
                "https://b.s3.amazonaws.com/%F0%9D%84%9E+%2B", (Some "b", Some "𝄞++", None)
                "https://ap-1.s3-accesspoint.us-west-2.amazonaws.com/a", (None, Some "a", Some "us-west-2")
                "https://minio.internal/b/a", (None, None, None)
            ]
            (fun (url, _) ->
                let url = PresignedUrl.inspect (parsed url)
                url.Bucket, url.Key, url.Region)
            snd

        table
            "the region of a credential's scope"
            [
                "X-Amz-Credential=AKIA%2F20260301%2Feu-west-1%2Fs3%2Faws4_request", Some "eu-west-1"
                "X-Amz-Credential=A/B/20260301/eu-west-1/s3/aws4_request", Some "eu-west-1"
                "X-Amz-Credential=AKIA%2F20260301%2F%2Fs3%2Faws4_request", None
                "X-Amz-Credential=AKIA", None
                "X-Amz-Credential=A/20260301/eu-west-1/s3/other", None
                "X-Amz-Credential=", None
            ]
            (fun (query, _) -> (inspected query).ScopeRegion)
            snd

        table
            "a URL is usable for the skew that S3 allows"
            [
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=60", Some(at "2026-03-01T12:16:00Z")
                "X-Amz-Date=99991231T234500Z&X-Amz-Expires=60", Some DateTimeOffset.MaxValue
                "token=a", None
            ]
            (fst >> inspected >> PresignedUrl.usableUntil)
            snd

        table
            "headers that are signed and not supplied, and that are sent and not signed"
            [
                ("X-Amz-Signature=a&X-Amz-SignedHeaders=host;content-md5;x-amz-acl",
                 [ "host"; "x-amz-meta-a"; "expect" ]),
                ([ "content-md5"; "x-amz-acl" ], [ "x-amz-meta-a" ])
                ("X-Amz-Signature=a&X-Amz-SignedHeaders=host", [ "host" ]), ([], [])
                ("Signature=a&AWSAccessKeyId=b", [ "x-amz-acl" ]), ([], [])
                ("token=a", [ "x-amz-acl" ]), ([], [])
            ]
            (fun ((query, headers), _) ->
                let url = inspected query
                PresignedUrl.missingHeaders headers url, PresignedUrl.unsignedHeaders headers url)
            snd
    ]
