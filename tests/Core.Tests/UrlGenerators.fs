/// URLs, valid and hostile, some with secrets planted in them.
module CellOS.Export.S3.Core.Tests.UrlGenerators

open System
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.TextGenerators

/// A URL and the secrets in it: letters and digits only, so that no escaping changes them.
type Planted = {
    Url: string
    Secrets: string list
} with

    /// The secret values of the query in the forms in which a server may echo them.
    member this.Echoes =
        this.Url.Substring(this.Url.IndexOf '?' + 1).Split('&')
        |> Seq.map (fun parameter -> parameter.Substring(parameter.IndexOf '=' + 1))
        |> Seq.filter (fun value -> this.Secrets |> List.exists value.Contains)
        |> Seq.collect (fun value -> [ value; Uri.UnescapeDataString value; Uri.EscapeDataString value ])
        |> List.ofSeq

let private hosts = [
    "evidence.s3.us-west-2.amazonaws.com"
    "s3.us-west-2.amazonaws.com"
    "s3-us-west-2.amazonaws.com"
    "evidence.s3-fips.dualstack.us-gov-west-1.amazonaws.com"
    "evidence.s3-accelerate.amazonaws.com"
    "ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"
    "evidence.s3.cn-north-1.amazonaws.com.cn"
    "evidence--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com"
    "minio.internal:9000"
    "localhost:8080"
    "127.0.0.1"
    "[::1]:8443"
    "EXAMPLE.com"
    "xn--bcher-kva.example"
    "a_b.example"
]

let private pathSegments = [
    "a"
    "evidence"
    "%2E%2E"
    "%2e"
    ".."
    "."
    ""
    "%7Euser"
    "~user"
    "a%2Fb"
    "a%2fb"
    "%C3%A9"
    "%ff"
    "a+b"
    "a@b"
    "a:b"
    "a;b=c,d"
    "(a)!*'$"
    "%25"
]

let path =
    gen {
        let! depth = Gen.choose (0, 5)
        let! segments = Gen.listOfLength depth (Gen.elements pathSegments)
        return segments |> List.map (fun segment -> "/" + segment) |> String.Concat
    }

let private origin =
    gen {
        let! scheme = Gen.elements [ "http"; "https"; "HTTPS"; "Http" ]
        let! host = Gen.elements hosts
        return $"{scheme}://{host}"
    }

let private plainQuery =
    Gen.elements [ ""; "?"; "?a"; "?a=b&c=%2F"; "?x=/../%7E&&y=?"; "?a=%7e//b" ]

/// A URL that the contract allows, without a secret.
let plainUrl =
    gen {
        let! origin = origin
        let! path = path
        let! query = plainQuery
        return origin + path + query
    }

let private parameter (name: string) (value: string) =
    gen {
        let! name =
            Gen.frequency [ 3, Gen.constant name; 1, mixedCase name; 1, overEscaped name ]

        return $"{name}={value}"
    }

let private escapedSlash = Gen.elements [ "%2F"; "%2f"; "/" ]

/// A query signed with SigV4 at the given time, its parameters in any order.
let v4Query (signedAt: DateTimeOffset) (seconds: int) (signedHeaders: string) =
    gen {
        let! signature = secret
        let! key = secret
        let! head, tail = Gen.zip secret secret
        let! joint = Gen.elements [ "%2B"; "%2b"; "%2F"; "%3D"; "" ]
        let! slash = escapedSlash
        let! hasToken = Gen.elements [ true; false ]
        let date = signedAt.UtcDateTime.ToString "yyyyMMdd"
        let scope = $"{key}{slash}{date}{slash}us-west-2{slash}s3{slash}aws4_request"

        let! parameters =
            [
                "X-Amz-Algorithm", "AWS4-HMAC-SHA256"
                "X-Amz-Credential", scope
                "X-Amz-Date", signedAt.UtcDateTime.ToString "yyyyMMdd'T'HHmmss'Z'"
                "X-Amz-Expires", string seconds
                "X-Amz-SignedHeaders", signedHeaders
                "X-Amz-Signature", signature
                if hasToken then
                    "X-Amz-Security-Token", head + joint + tail
            ]
            |> List.map (fun (name, value) -> parameter name value)
            |> Gen.sequenceToList

        let! shuffled = Gen.shuffle (Array.ofList parameters)

        return
            String.Join('&', shuffled),
            [
                signature
                key
                if hasToken then
                    yield! [ head; tail ]
            ]
    }

let private v2Query (expires: DateTimeOffset) =
    gen {
        let! signature = secret
        let! key = secret

        let! parameters =
            [
                parameter "AWSAccessKeyId" key
                parameter "Signature" (signature + "%3D")
                parameter "Expires" (string (expires.ToUnixTimeSeconds()))
            ]
            |> Gen.sequenceToList

        let! shuffled = Gen.shuffle (Array.ofList parameters)
        return String.Join('&', shuffled), [ signature; key ]
    }

let private gatewayQuery =
    gen {
        let! token = secret
        let! name = Gen.elements [ "token"; "sig"; "key"; "X-Goog-Signature" ]
        return $"{name}={token}", [ token ]
    }

/// The noon that scripts play around.
let noon = DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)

let private signedNear =
    Gen.elements [ -7200; -1000; -60; 0; 60 ]
    |> Gen.map (fun seconds -> noon.AddSeconds(float seconds))

let private query =
    Gen.frequency [
        4,
        gen {
            let! signedAt = signedNear
            let! seconds = Gen.elements [ 0; 1; 60; 900; 3600; 604800 ]

            let! headers =
                Gen.frequency [
                    8, Gen.constant "host"
                    2, Gen.constant "content-md5;host"
                    1, Gen.elements [ "content-length;host"; "host;x-amz-acl" ]
                    2,
                    Gen.elements [
                        "host;x-amz-meta-run"
                        "cache-control;host;x-amz-acl;x-amz-meta-run"
                        "host;x-amz-acl;x-amz-meta-run;x-amz-server-side-encryption-customer-key"
                    ]
                ]

            return! v4Query signedAt seconds headers
        }
        1, signedNear |> Gen.bind v2Query
        1, gatewayQuery
    ]

/// A presigned URL that the contract allows.
let presigned =
    gen {
        let! origin = origin
        let! path = path
        let! query, secrets = query

        return {
            Url = $"{origin}{path}?{query}"
            Secrets = secrets
        }
    }

/// A presigned URL that is spoilt: bad characters, user info, fragments, other schemes, stray braces.
let spoilt =
    gen {
        let! planted = presigned
        let! password = secret

        let! piece =
            Gen.elements [
                "\r\n"
                "\t"
                " "
                "\000"
                "é"
                "𝄞"
                "\ud800"
                "{"
                "}"
                "{artifact}"
                "{cell_id}"
                "{artifact_{cell_id}name}"
                "#"
                "\\"
                "%"
                "%2"
                "@"
                "\""
                "<"
                "|"
            ]

        let! at = Gen.choose (0, planted.Url.Length)

        let userInfo (info: string) =
            planted.Url.Replace("://", $"://{info}@")

        let! url =
            Gen.frequency [
                4, Gen.constant (planted.Url.Insert(at, piece))
                1, Gen.constant (userInfo $"user:{password}")
                1, Gen.constant (userInfo $"us%%2Fer:%%3F{password}%%23")
                1, Gen.constant (userInfo $"{{{password}}}")
                1, Gen.constant $"{planted.Url}&x={{{password}}}"
                1, Gen.constant $"{planted.Url}#{{{password}}}"
                1, Gen.constant (planted.Url.Substring at)
                1, Gen.constant (planted.Url.Replace("http", "ftp", StringComparison.OrdinalIgnoreCase))
                1, Gen.constant (planted.Url.Replace("://", ":///"))
                1, Gen.constant (planted.Url + "#" + password)
            ]

        return {
            Url = url
            Secrets = password :: planted.Secrets
        }
    }

/// All that somebody may put into a variable.
let anyUrl =
    Gen.frequency [
        3, presigned
        4, spoilt
        1, plainUrl |> Gen.map (fun url -> { Url = url; Secrets = [] })
        2, anyTextOrNull |> Gen.map (fun text -> { Url = text; Secrets = [] })
    ]

let parsed (url: string) =
    match RequestUrl.parse url with
    | Ok url -> url
    | Error refusal -> failwithf "The generator made a wrong URL: %O" refusal

/// Templates with both placeholders, each where it can be read back.
let templateText =
    gen {
        let! origin = origin

        let! shape =
            Gen.elements [
                "/{cell_id}/{artifact_name}"
                "/up//{cell_id}/x/{artifact_name}?a=b"
                "/put?c={cell_id}&a={artifact_name}"
                "/{artifact_name}?c={cell_id}"
                "/%2E%2E/{cell_id}.d/~/{artifact_name}.bin?X-Amz-Date=1"
                "/..//{cell_id}/{artifact_name}/?c={cell_id}&a={artifact_name}"
            ]

        return origin + shape
    }
