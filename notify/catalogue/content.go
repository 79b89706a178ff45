package catalogue

import "github.com/roomcast/roomcast/notify"

// PostUpdate tells that a post was written or changed. Type "realtime:post:<action>", by default to the channel
// "content-updates", priority normal, high when it was deleted.
type PostUpdate struct {
	PostID   string         `json:"postId"` // required
	Action   string         `json:"action"` // required: created, updated, deleted, published or unpublished
	Title    string         `json:"title"`
	AuthorID string         `json:"authorId"` // the user who wrote it
	Excerpt  string         `json:"excerpt"`  // the first lines
	URL      string         `json:"url"`      // where to read it
	Tags     []string       `json:"tags"`
	Data     map[string]any `json:"-"` // further fields of data
	Metadata map[string]any `json:"-"` // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (p PostUpdate) Build() (notify.Notification, notify.Target, error) { return build(p) }

// ProfileUpdate tells that a user's profile was changed. Type "realtime:profile:<action>", by default to the user
// UserID, priority low.
type ProfileUpdate struct {
	UserID        string         `json:"userId"` // required
	Action        string         `json:"action"` // required: updated, avatar_changed or settings_changed
	Username      string         `json:"username"`
	AvatarURL     string         `json:"avatarUrl"` // the new picture
	ChangedFields []string       `json:"changedFields"`
	Settings      map[string]any `json:"settings"` // the new ones
	Data          map[string]any `json:"-"`        // further fields of data
	Metadata      map[string]any `json:"-"`        // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (p ProfileUpdate) Build() (notify.Notification, notify.Target, error) { return build(p) }

// Comment tells that a comment was written, changed or answered. Type "realtime:comment:<action>", by default to the
// channel "interactions", priority normal, high when it was deleted.
type Comment struct {
	CommentID string         `json:"commentId"` // required
	Action    string         `json:"action"`    // required: created, updated, deleted, liked or replied
	PostID    string         `json:"postId"`    // what it is about
	ParentID  string         `json:"parentId"`  // the comment that it answers
	AuthorID  string         `json:"authorId"`  // the user who wrote it
	Content   string         `json:"content"`
	Likes     int            `json:"likes"` // so far. Give a 0 in Data
	Data      map[string]any `json:"-"`     // further fields of data
	Metadata  map[string]any `json:"-"`     // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (c Comment) Build() (notify.Notification, notify.Target, error) { return build(c) }

func contentKinds() []Kind {
	return []Kind{
		{
			Name: "post-update", GoType: "PostUpdate", Function: "sendPostUpdateNotification",
			Doc:    "A post was written or changed.",
			Type:   "realtime:post:<action>",
			ID:     ownID("postId", "The post."),
			Status: one("action", "What was done.", "created", "updated", "deleted", "published", "unpublished"),
			Fields: []Field{
				text("title", "The post's."),
				userID("authorId", "The user who wrote it."),
				text("excerpt", "The first lines."),
				link("url", "Where to read it."),
				labels("tags", "The post's."),
			},
			Target:   TargetRule{Channel: "content-updates"},
			Category: "content", Source: "realtime-update",
			Priority: PriorityNormal, Priorities: priorities("deleted", PriorityHigh),
		},
		{
			Name: "profile-update", GoType: "ProfileUpdate", Function: "sendProfileUpdateNotification",
			Doc:    "A user's profile was changed.",
			Type:   "realtime:profile:<action>",
			ID:     required(userID("userId", "Whose profile it is.")),
			Status: one("action", "What was changed.", "updated", "avatar_changed", "settings_changed"),
			Fields: []Field{
				label("username", "The user's name."),
				link("avatarUrl", "The new picture."),
				labels("changedFields", "The names of what was changed."),
				object("settings", "The new ones."),
			},
			Target:   TargetRule{User: "userId"},
			Category: "profile", Source: "realtime-update",
			Priority: PriorityLow,
		},
		{
			Name: "comment", GoType: "Comment", Function: "sendCommentNotification",
			Doc:    "A comment was written, changed or answered.",
			Type:   "realtime:comment:<action>",
			ID:     ownID("commentId", "The comment."),
			Status: one("action", "What was done.", "created", "updated", "deleted", "liked", "replied"),
			Fields: []Field{
				label("postId", "What it is about."),
				label("parentId", "The comment that it answers."),
				userID("authorId", "The user who wrote it."),
				text("content", "Its text."),
				count("likes", "", "So far."),
			},
			Target:   TargetRule{Channel: "interactions"},
			Category: "interaction", Source: "realtime-update",
			Priority: PriorityNormal, Priorities: priorities("deleted", PriorityHigh),
		},
	}
}
