/// The public surface of an assembly as lines of text, and what sets two of them apart.
module PublicApi.Tests.Surface

open System
open System.Reflection
open Microsoft.FSharp.Reflection
open PublicApi.Tests

let private isFSharp (t: Type) =
    t.Assembly.IsDefined(typeof<FSharpInterfaceDataVersionAttribute>, false)

/// The lines of one type: what an assembly of F# has of F#, and all else as C# sees it.
let linesOfType (t: Type) : string list =
    if isFSharp t && not (t.IsInterface || t.IsEnum || t.IsSubclassOf typeof<Delegate>) then
        FSharpSurface.linesOf t
    else
        CSharpSurface.linesOf t

let private key (t: Type) =
    match t.FullName with
    | null -> t.Name
    | name -> name

/// All lines, by the types' names and not by the places that they have in the source.
let linesOf (types: Type seq) : string list =
    types
    |> Seq.filter (fun t -> not (isFSharp t && FSharpSurface.isImplied t))
    |> Seq.sortWith (fun a b -> String.CompareOrdinal(key a, key b))
    |> Seq.collect linesOfType
    |> List.ofSeq

let ofAssembly (name: string) : string list =
    linesOf (Assembly.Load(name).GetExportedTypes())

/// What is in the one list and not in the other, in their order: `- gone`, `+ new`. Empty if the two are the same.
let difference (before: string list) (after: string list) : string list =
    let a, b = Array.ofList before, Array.ofList after
    let longest = Array2D.zeroCreate (a.Length + 1) (b.Length + 1)

    for i in a.Length - 1 .. -1 .. 0 do
        for j in b.Length - 1 .. -1 .. 0 do
            longest[i, j] <-
                if a[i] = b[j] then
                    longest[i + 1, j + 1] + 1
                else
                    max longest[i + 1, j] longest[i, j + 1]

    let rec walk i j =
        match i < a.Length, j < b.Length with
        | true, true when a[i] = b[j] -> walk (i + 1) (j + 1)
        | true, inB when not inB || longest[i + 1, j] >= longest[i, j + 1] ->
            $"- {a[i].TrimStart()}" :: walk (i + 1) j
        | _, true -> $"+ {b[j].TrimStart()}" :: walk i (j + 1)
        | _ -> []

    walk 0 0
