package catalogue

import "github.com/roomcast/roomcast/notify"

// PostUpdate is a change of a post. Type "realtime:post:<action>", default target the channel
// "content-updates", priority normal, high for deleted.
type PostUpdate struct {
	PostID string `json:"postId"` // required
	// required: created, updated, deleted, published or unpublished
	Action   string         `json:"action"`
	Title    string         `json:"title"`
	AuthorID string         `json:"authorId"` // the user who wrote it
	Excerpt  string         `json:"excerpt"`  // the first lines
	URL      string         `json:"url"`      // the address of the post
	Tags     []string       `json:"tags"`
	Data     map[string]any `json:"-"` // more fields of data
	Metadata map[string]any `json:"-"` // more metadata
}

// Build implements notify.Typed.
func (p PostUpdate) Build() (notify.Notification, notify.Target, error) { return build(p) }

// ProfileUpdate is a change of a user's profile. Type "realtime:profile:<action>", default target
// the user UserID, priority low.
type ProfileUpdate struct {
	UserID string `json:"userId"` // required
	// required: updated, avatar_changed or settings_changed
	Action        string         `json:"action"`
	Username      string         `json:"username"`
	AvatarURL     string         `json:"avatarUrl"` // the new picture
	ChangedFields []string       `json:"changedFields"`
	Settings      map[string]any `json:"settings"` // the new settings
	Data          map[string]any `json:"-"`        // more fields of data
	Metadata      map[string]any `json:"-"`        // more metadata
}

// Build implements notify.Typed.
func (p ProfileUpdate) Build() (notify.Notification, notify.Target, error) { return build(p) }

// Comment is a change of a comment, or an answer to it. Type "realtime:comment:<action>", default
// target the channel "interactions", priority normal, high for deleted.
type Comment struct {
	CommentID string `json:"commentId"` // required
	// required: created, updated, deleted, liked or replied
	Action   string         `json:"action"`
	PostID   string         `json:"postId"`   // the post that the comment is on
	ParentID string         `json:"parentId"` // the comment that this one answers
	AuthorID string         `json:"authorId"` // the user who wrote it
	Content  string         `json:"content"`
	Likes    int            `json:"likes"` // number of likes; for 0 use Data
	Data     map[string]any `json:"-"`     // more fields of data
	Metadata map[string]any `json:"-"`     // more metadata
}

// Build implements notify.Typed.
func (c Comment) Build() (notify.Notification, notify.Target, error) { return build(c) }

func contentKinds() []Kind {
	return []Kind{
		{
			Name: "post-update", GoType: "PostUpdate", Function: "sendPostUpdateNotification",
			Doc:  "A post changes.",
			Type: "realtime:post:<action>",
			ID:   ownID("postId", "The id of the post."),
			Status: one("action", "The change.", "created", "updated", "deleted", "published",
				"unpublished"),
			Fields: []Field{
				text("title", "The title of the post."),
				userID("authorId", "The user who wrote it."),
				text("excerpt", "The first lines of the post."),
				link("url", "The address of the post."),
				labels("tags", "The tags of the post."),
			},
			Target:   TargetRule{Channel: "content-updates"},
			Category: "content", Source: "realtime-update",
			Priority: PriorityNormal, Priorities: priorities("deleted", PriorityHigh),
		},
		{
			Name: "profile-update", GoType: "ProfileUpdate",
			Function: "sendProfileUpdateNotification",
			Doc:      "A user's profile changes.",
			Type:     "realtime:profile:<action>",
			ID:       required(userID("userId", "The user of the profile.")),
			Status:   one("action", "The change.", "updated", "avatar_changed", "settings_changed"),
			Fields: []Field{
				label("username", "The name of the user."),
				link("avatarUrl", "The new picture."),
				labels("changedFields", "The names of the changed fields."),
				object("settings", "The new settings."),
			},
			Target:   TargetRule{User: "userId"},
			Category: "profile", Source: "realtime-update",
			Priority: PriorityLow,
		},
		{
			Name: "comment", GoType: "Comment", Function: "sendCommentNotification",
			Doc:  "A comment changes, or gets an answer.",
			Type: "realtime:comment:<action>",
			ID:   ownID("commentId", "The id of the comment."),
			Status: one("action", "The change.", "created", "updated", "deleted", "liked",
				"replied"),
			Fields: []Field{
				label("postId", "The post that the comment is on."),
				label("parentId", "The comment that this one answers."),
				userID("authorId", "The user who wrote it."),
				text("content", "The text of the comment."),
				count("likes", "", "The number of likes."),
			},
			Target:   TargetRule{Channel: "interactions"},
			Category: "interaction", Source: "realtime-update",
			Priority: PriorityNormal, Priorities: priorities("deleted", PriorityHigh),
		},
	}
}
