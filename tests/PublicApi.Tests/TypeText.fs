/// How types are written: C#'s in the manner of C#, F#'s in the manner of F#, with what may be null.
module PublicApi.Tests.TypeText

open System
open System.Reflection
open Microsoft.FSharp.Reflection

type Language =
    | CSharp
    | FSharp

let private context = NullabilityInfoContext()

// A context keeps what it has seen, and is not for several threads at once.
let private create (make: NullabilityInfoContext -> NullabilityInfo) = lock context (fun () -> make context)

let nullabilityOf (parameter: ParameterInfo) = create _.Create(parameter)
let nullabilityOfProperty (property: PropertyInfo) = create _.Create(property)
let nullabilityOfField (field: FieldInfo) = create _.Create(field)
let nullabilityOfEvent (event: EventInfo) = create _.Create(event)

let private keywords =
    dict [
        typeof<bool>, ("bool", "bool")
        typeof<byte>, ("byte", "byte")
        typeof<sbyte>, ("sbyte", "sbyte")
        typeof<int16>, ("short", "int16")
        typeof<uint16>, ("ushort", "uint16")
        typeof<int>, ("int", "int")
        typeof<uint>, ("uint", "uint")
        typeof<int64>, ("long", "int64")
        typeof<uint64>, ("ulong", "uint64")
        typeof<single>, ("float", "single")
        typeof<double>, ("double", "float")
        typeof<decimal>, ("decimal", "decimal")
        typeof<char>, ("char", "char")
        typeof<string>, ("string", "string")
        typeof<obj>, ("object", "obj")
        typeof<Void>, ("void", "unit")
        typeof<unit>, ("Unit", "unit")
    ]

/// The name without the namespace and without the count of type parameters, below the types that it is nested in.
let rec shortName (t: Type) : string =
    let own = (t.Name.Split '`')[0]

    match t.DeclaringType with
    | null -> own
    | outer -> $"{shortName outer}.{own}"

/// Names of the base class library and of CellOS stand without their namespace.
let nameOf (t: Type) : string =
    match t.Namespace with
    | null -> shortName t
    | space when space = "System" || space.StartsWith "System." || space.StartsWith "CellOS." -> shortName t
    | space when space.StartsWith "Microsoft.FSharp." || space.StartsWith "PublicApi." -> shortName t
    | space -> $"{space}.{shortName t}"

let private isNullable (info: NullabilityInfo option) =
    match info with
    | Some info ->
        info.ReadState = NullabilityState.Nullable
        || info.WriteState = NullabilityState.Nullable
    | None -> false

let private isValueTuple (t: Type) = t.IsValueType && FSharpType.IsTuple t

let private isDefinition (definition: Type) (t: Type) =
    t.IsGenericType && t.GetGenericTypeDefinition() = definition

let rec textOf (language: Language) (t: Type) (info: NullabilityInfo option) : string =
    let text =
        match keywords.TryGetValue t with
        | true, (csharp, fsharp) -> if language = CSharp then csharp else fsharp
        | false, _ -> composed language t info

    // None is null, and an option says so itself.
    let mayBeNull =
        isNullable info
        && not t.IsValueType
        && not (language = FSharp && isDefinition typedefof<option<int>> t)

    match mayBeNull, language with
    | false, _ -> text
    | true, CSharp -> $"{text}?"
    | true, FSharp -> $"({text} | null)"

and private composed language t info =
    let arguments () =
        t.GetGenericArguments()
        |> Array.mapi (fun i argument ->
            match info with
            | Some info when i < info.GenericTypeArguments.Length ->
                textOf language argument (Some info.GenericTypeArguments[i])
            | _ -> textOf language argument None)

    let element () =
        let element = info |> Option.bind (fun info -> info.ElementType |> Option.ofObj)

        textOf language (nonNull (t.GetElementType())) element

    let joined (separator: string) = String.concat separator (arguments ())

    if t.IsGenericParameter then
        if language = CSharp then t.Name else $"'{t.Name}"
    elif t.IsArray then
        $"{element ()}[]"
    elif t.IsByRef then
        element ()
    elif isDefinition typedefof<Nullable<int>> t && language = CSharp then
        $"{joined String.Empty}?"
    elif isValueTuple t && language = CSharp then
        $"""({joined ", "})"""
    elif isValueTuple t then
        $"""struct ({joined " * "})"""
    elif FSharpType.IsTuple t then
        $"""({joined " * "})"""
    elif FSharpType.IsFunction t then
        $"({curried t info})"
    elif isDefinition typedefof<option<int>> t then
        $"{joined String.Empty} option"
    elif isDefinition typedefof<voption<int>> t then
        $"{joined String.Empty} voption"
    elif isDefinition typedefof<list<int>> t then
        $"{joined String.Empty} list"
    elif isDefinition typedefof<seq<int>> t && language = FSharp then
        $"{joined String.Empty} seq"
    elif isDefinition typedefof<Result<int, int>> t then
        $"""Result<{joined ", "}>"""
    elif t.IsGenericType then
        $"""{nameOf t}<{joined ", "}>"""
    else
        nameOf t

/// A function without the parentheses around its result, which may be one, too.
and private curried (t: Type) (info: NullabilityInfo option) : string =
    let side i =
        t.GetGenericArguments()[i],
        info
        |> Option.filter (fun info -> info.GenericTypeArguments.Length > i)
        |> Option.map _.GenericTypeArguments[i]

    let domain, range = side 0, side 1
    let result = if FSharpType.IsFunction(fst range) then curried else textOf FSharp
    $"{textOf FSharp (fst domain) (snd domain)} -> {result (fst range) (snd range)}"

/// Without a look at what may be null, where that is not to be had: base types and constraints.
let plain (language: Language) (t: Type) : string = textOf language t None

let parameterText language (parameter: ParameterInfo) =
    textOf language parameter.ParameterType (Some(nullabilityOf parameter))

let returnText language (made: MethodInfo) =
    parameterText language made.ReturnParameter

let propertyText language (it: PropertyInfo) =
    textOf language it.PropertyType (Some(nullabilityOfProperty it))

let fieldText language (it: FieldInfo) =
    textOf language it.FieldType (Some(nullabilityOfField it))
