/// What the tests of specs, environments and sinks share.
module Facade.Tests.CompositionSupport

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.Support

/// Variables as a host gives them.
let environment (variables: (string * string) list) : IReadOnlyDictionary<string, string | null> =
    let result = Dictionary<string, string | null>()

    for name, value in variables do
        result[name] <- value

    result

/// The spec of the seed, word for word.
let seedSpec =
    """export:
  targets:
    - name: artifact-bucket
      kind: s3
      bucket: my-cellos-evidence
      region: us-west-2
"""

/// What keeps a spec or an environment from being used.
let refusalOf (build: unit -> 'a) : S3ExportConfigurationException =
    let outcome =
        try
            Choice1Of2(build ())
        with :? S3ExportConfigurationException as refusal ->
            Choice2Of2 refusal

    match outcome with
    | Choice1Of2 _ -> failtest "a success where a refusal was expected"
    | Choice2Of2 refusal -> refusal

/// A manifest with a URL for each artifact.
let writeManifest (path: string) (urls: (string * string) list) =
    let json = Dictionary<string, string>()

    for name, url in urls do
        json[name] <- url

    File.WriteAllText(path, JsonSerializer.Serialize json)

/// A server with the seed's bucket, reached through a gateway that authorizes by itself.
let gateway () =
    LoopbackS3Server.StartAsync(
        LoopbackS3Options(Buckets = [| Bucket("my-cellos-evidence", IsBehindGateway = true); Bucket bucket |])
    )
