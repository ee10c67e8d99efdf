namespace CellOS.Export.S3.Generators

open System
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// A URL and the secrets in it: letters and digits only, so that no escaping changes them. All of it is made up.
type PlantedUrl = {
    /// The whole URL, as it goes into a variable or onto the wire.
    Url: string
    /// What no message, log or receipt may hold.
    Secrets: string list
} with

    /// The secret values of the URL in the forms in which a server may echo them.
    member this.Echoes: string list =
        let path, query =
            match this.Url.IndexOf '?' with
            | -1 -> this.Url, ""
            | i -> this.Url.Substring(0, i), this.Url.Substring(i + 1)

        query.Split '&'
        |> Seq.map (fun parameter -> parameter.Substring(parameter.IndexOf '=' + 1))
        |> Seq.append (this.Secrets |> List.filter path.Contains)
        |> Seq.filter (fun value -> this.Secrets |> List.exists value.Contains)
        |> Seq.collect (fun value -> [ value; Uri.UnescapeDataString value; Uri.EscapeDataString value ])
        |> List.ofSeq

    /// The URL as the core takes it. An exception for one that is spoilt.
    member this.Request: RequestUrl = Made.ok (RequestUrl.parse this.Url)

/// URLs, exact ones and templates, valid and hostile, with made-up signatures.
[<RequireQualifiedAccess>]
module Urls =

    /// The made-up moment that URLs are signed around and scripts begin at: 2026-03-01, 12:00 UTC.
    let noon = DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)

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

    /// A path, absolute and of characters that a URL may hold: dot segments, empty segments and escapes among them.
    let path: Gen<string> =
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
    let plain: Gen<string> =
        gen {
            let! origin = origin
            let! path = path
            let! query = plainQuery
            return origin + path + query
        }

    let private parameter (name: string) (value: string) =
        gen {
            let! name =
                Gen.frequency [ 3, Gen.constant name; 1, Texts.mixedCase name; 1, Texts.overEscaped name ]

            return $"{name}={value}"
        }

    let private escapedSlash = Gen.elements [ "%2F"; "%2f"; "/" ]

    /// A query signed with SigV4 at the given time valid for the given seconds, and the secrets in it. The signature covers the
    /// given headers, in lower case, joined by `;`. The parameters come in any order, their names in any case.
    let sigV4Query
        (signedAt: DateTimeOffset)
        (seconds: int)
        (signedHeaders: string)
        : Gen<string * string list> =
        gen {
            let! signature = Texts.secret
            let! key = Texts.secret
            let! head, tail = Gen.zip Texts.secret Texts.secret
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

    /// A query signed with SigV2 that expires at the given time, and the secrets in it.
    let sigV2Query (expires: DateTimeOffset) : Gen<string * string list> =
        gen {
            let! signature = Texts.secret
            let! key = Texts.secret

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
            // Every fourth one is short.
            let! token =
                Texts.secret
                |> Gen.map (fun token ->
                    if token.Length % 4 = 0 then
                        token.Substring(0, 5 + token.Length / 8) + "7q"
                    else
                        token)

            let! name = Gen.elements [ "token"; "sig"; "key"; "X-Goog-Signature" ]
            return $"{name}={token}", [ token ]
        }

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

                return! sigV4Query signedAt seconds headers
            }
            1, signedNear |> Gen.bind sigV2Query
            1, gatewayQuery
        ]

    /// A URL with the given query on any host, in any path that a URL may have.
    let private signed (query: Gen<string * string list>) : Gen<PlantedUrl> =
        gen {
            let! origin = origin
            let! path = path
            let! query, secrets = query

            return {
                Url = $"{origin}{path}?{query}"
                Secrets = secrets
            }
        }

    /// A presigned URL, signed around `noon` with SigV4, SigV2 or in a gateway's own way; the signature is made up.
    let presigned: Gen<PlantedUrl> = signed query

    /// Hosts, and the path of an object of the bucket `evidence` on each.
    let private addresses = [
        "https://evidence.s3.us-west-2.amazonaws.com", "/"
        "https://s3.us-west-2.amazonaws.com", "/evidence/"
        "https://evidence.s3-fips.dualstack.us-gov-west-1.amazonaws.com", "/"
        "https://ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "/"
        "http://minio.internal:9000", "/evidence/"
        "http://ceph.internal:7480", "/tenant:evidence/"
        "http://10.0.0.8", "/evidence/"
        "https://[::1]:8443", "/tenant%3Aevidence/"
        "https://objectstorage.example", "/n/ns/b/evidence/o/"
        "https://cdn.example", "/"
    ]

    /// A URL with the given query for the object of this key in the bucket `evidence`.
    let private ofObject (key: string) (query: Gen<string * string list>) : Gen<PlantedUrl> =
        gen {
            let! origin, before = Gen.elements addresses
            let! query, secrets = query
            let path = key.Split '/' |> Array.map Uri.EscapeDataString |> String.concat "/"

            return {
                Url = $"{origin}{before}{path}?{query}"
                Secrets = secrets
            }
        }

    /// Queries that other stores sign in ways of their own, around `noon`, and the secrets in them.
    let private foreignQuery =
        gen {
            let! key = Texts.secret
            let! signature = Texts.secret
            let! tail = Texts.secret
            let! joint = Gen.elements [ "%2B"; "%2b"; "%2F"; "/"; "" ]
            let! padding = Gen.elements [ "%3D"; "="; "" ]
            let hex = signature
            let base64 = signature + joint + tail + padding
            let unix = noon.AddHours(1.).ToUnixTimeSeconds()

            return!
                Gen.elements [
                    // Google Cloud Storage, V4 and V2.
                    $"X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential={key}%%40p.iam.gserviceaccount.com%%2F20260301%%2Fauto%%2Fstorage%%2Fgoog4_request&X-Goog-Date=20260301T120000Z&X-Goog-Expires=3600&X-Goog-SignedHeaders=host&X-Goog-Signature={hex}",
                    [ key; hex ]
                    $"GoogleAccessId={key}%%40p.iam.gserviceaccount.com&Expires={unix}&Signature={base64}",
                    [ key; signature; tail ]
                    // Alibaba OSS, V1 and V4.
                    $"OSSAccessKeyId={key}&Expires={unix}&Signature={hex}&security-token={tail}",
                    [ key; signature; tail ]
                    $"x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential={key}%%2F20260301%%2Fcn-hangzhou%%2Foss%%2Faliyun_v4_request&x-oss-date=20260301T120000Z&x-oss-expires=3600&x-oss-signature={hex}&x-oss-security-token={tail}",
                    [ key; signature; tail ]
                    // Tencent COS.
                    $"q-sign-algorithm=sha1&q-ak={key}&q-sign-time={unix - 3600L}%%3B{unix}&q-key-time={unix - 3600L}%%3B{unix}&q-header-list=host&q-url-param-list=&q-signature={hex}&x-cos-security-token={tail}",
                    [ key; signature; tail ]
                    // Azure SAS.
                    $"sv=2022-11-02&st=2026-03-01T12%%3A00%%3A00Z&se=2026-03-01T13%%3A00%%3A00Z&sr=b&sp=cw&sig={base64}",
                    [ signature; tail ]
                    // OpenStack Swift TempURL.
                    $"temp_url_sig={hex}&temp_url_expires={unix}", [ hex ]
                    // Gateways.
                    $"private_token={base64}", [ signature; tail ]
                    $"access_token={hex}&mode=put", [ hex ]
                    hex, [ hex ]
                ]
        }

    /// A URL that another store than S3 made, or a gateway: Google Cloud Storage, Alibaba OSS, Tencent COS, Azure, Swift,
    /// and Oracle, whose token is part of the path. It is valid around `noon`; signatures and tokens are made up.
    let foreign: Gen<PlantedUrl> =
        let preauthenticated =
            gen {
                let! token = Texts.secret
                let! joint = Gen.elements [ "-"; "_"; "" ]
                let! tail = Texts.secret

                return {
                    Url =
                        $"https://objectstorage.eu-frankfurt-1.oraclecloud.com/p/{token}{joint}{tail}/n/space/b/evidence/o/cell-1/logs/out.txt"
                    Secrets = [ token + joint + tail ]
                }
            }

        Gen.frequency [ 9, signed foreignQuery; 1, preauthenticated ]

    /// A presigned URL of any store: SigV4, SigV2, and those of `foreign`.
    let ofAnyStore: Gen<PlantedUrl> = Gen.oneof [ presigned; foreign ]

    /// A presigned URL, as `presigned`, for the object of this key in the bucket `evidence`.
    let forObject (key: string) : Gen<PlantedUrl> = ofObject key query

    /// A URL signed with SigV4 at the given time, valid for the given seconds, for the object of this key in the bucket
    /// `evidence`. The signature covers the given headers, in lower case, joined by `;`.
    let sigV4ForObject (key: string) (signedHeaders: string) (signedAt: DateTimeOffset) (seconds: int) =
        ofObject key (sigV4Query signedAt seconds signedHeaders)

    /// A URL signed with SigV4 at the given time, for this number of seconds; of the headers, `host` alone is covered.
    let sigV4 (signedAt: DateTimeOffset) (seconds: int) : Gen<PlantedUrl> =
        signed (sigV4Query signedAt seconds "host")

    /// A URL signed with SigV4 at the given time, for this number of seconds. The signature covers the given headers, in lower
    /// case, joined by `;`.
    let sigV4For (signedHeaders: string) (signedAt: DateTimeOffset) (seconds: int) : Gen<PlantedUrl> =
        signed (sigV4Query signedAt seconds signedHeaders)

    /// A URL signed with SigV2 that expires at the given time.
    let sigV2 (expires: DateTimeOffset) : Gen<PlantedUrl> = signed (sigV2Query expires)

    /// A presigned URL that is spoilt: bad characters, user info, fragments, other schemes, stray braces.
    let spoilt: Gen<PlantedUrl> =
        gen {
            let! planted = presigned
            let! password = Texts.secret

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
    let any: Gen<PlantedUrl> =
        Gen.frequency [
            3, presigned
            4, spoilt
            1, plain |> Gen.map (fun url -> { Url = url; Secrets = [] })
            2, Texts.anyOrNull |> Gen.map (fun text -> { Url = text; Secrets = [] })
        ]

    /// Templates with both placeholders, each where it can be read back.
    let templateText: Gen<string> =
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

    /// A template with both placeholders.
    let template: Gen<UrlTemplate> =
        templateText |> Gen.map (UrlTemplate.parse >> Made.ok)

    /// A URL as the core takes it, presigned or plain.
    let request: Gen<RequestUrl> =
        Gen.frequency [
            3, presigned |> Gen.map _.Request
            1, plain |> Gen.map (RequestUrl.parse >> Made.ok)
        ]
